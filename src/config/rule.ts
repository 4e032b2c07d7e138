// A cross-variable rule: the variables it reads, and its finding. It runs only when all of them could be read.
import type { Finding } from '../core/finding.ts';
import { ROLES, type Role } from '../core/role.ts';
import type { SuperLinkConfig, SuperNodeConfig } from './config.ts';
import type { Given } from './given.ts';
import type { VariableName } from './table.ts';
import type { ImageFacts } from './variable.ts';

/** `variable` is the one to change. The list that holds the rule gives the severity. */
type RuleFinding = Omit<Finding, 'severity'> & { readonly variable: VariableName };

type GivenValues = ReadonlyMap<VariableName, Given>;

export interface Rule {
  readonly roles: readonly Role[];
  readonly reads: readonly VariableName[];
  readonly check: (
    values: Readonly<Record<string, unknown>>,
    given: GivenValues,
    image: ImageFacts,
  ) => RuleFinding | false | undefined;
}

type Both = SuperLinkConfig & SuperNodeConfig;

const declare =
  <Config>(roles: readonly Role[]) =>
  <Names extends keyof Config & VariableName>(
    reads: readonly Names[],
    check: (
      values: Pick<Config, Names>,
      given: GivenValues,
      image: ImageFacts,
    ) => RuleFinding | false | undefined,
  ): Rule => ({ roles, reads, check: check as Rule['check'] });

export const onSuperLink = declare<SuperLinkConfig>(['superlink']);
export const onSuperNode = declare<SuperNodeConfig>(['supernode']);
export const onBoth = declare<Pick<Both, keyof SuperLinkConfig & keyof SuperNodeConfig>>(ROLES);
