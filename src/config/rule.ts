// What a cross-variable rule is: what it reads, and what it says. It runs only when all it reads could be read.

import { ROLES, type Role } from '../core/role.ts';
import type { SuperLinkConfig, SuperNodeConfig } from './config.ts';
import type { Finding } from './finding.ts';
import type { Given } from './given.ts';
import type { VariableName } from './table.ts';
import type { ImageFacts } from './variable.ts';

/** `variable` is the one to change; the operator's spelling of it is filled in. */
export type RuleResult = (Omit<Finding, 'variable'> & { readonly variable: VariableName }) | undefined;

export type GivenValues = ReadonlyMap<VariableName, Given>;

export interface Rule {
  readonly roles: readonly Role[];
  readonly reads: readonly VariableName[];
  readonly check: (
    values: Readonly<Record<string, unknown>>,
    given: GivenValues,
    image: ImageFacts,
  ) => RuleResult;
}

type Both = SuperLinkConfig & SuperNodeConfig;
type NamesIn<Config> = keyof Config & VariableName;
type Check<Config, Names extends keyof Config> = (
  values: Pick<Config, Names>,
  given: GivenValues,
  image: ImageFacts,
) => RuleResult;

const declare =
  <Config>(roles: readonly Role[]) =>
  <Names extends NamesIn<Config>>(reads: readonly Names[], check: Check<Config, Names>): Rule => ({
    roles,
    reads,
    check: check as Rule['check'],
  });

export const onSuperLink = declare<SuperLinkConfig>(['superlink']);
export const onSuperNode = declare<SuperNodeConfig>(['supernode']);
export const onBoth = declare<Pick<Both, keyof SuperLinkConfig & keyof SuperNodeConfig>>(ROLES);
