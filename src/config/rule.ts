// A cross-variable rule: the variables it reads, and its finding. It runs only when all of them could be read.
import type { Finding } from '../core/finding.ts';
import { ROLES, type Role } from '../core/role.ts';
import type { SuperLinkConfig, SuperNodeConfig } from './config.ts';
import type { Given } from './given.ts';
import type { VariableName } from './table.ts';
import type { ImageFacts } from './variable.ts';

/** `variable` is the one to change. The list that holds the rule gives the severity. */
type RuleFinding = Omit<Finding, 'severity'> & { readonly variable: VariableName };

type Check<Values> = (
  values: Values,
  given: ReadonlyMap<VariableName, Given>,
  image: ImageFacts,
) => RuleFinding | false | undefined;

export interface Rule {
  readonly roles: readonly Role[];
  readonly reads: readonly VariableName[];
  readonly check: Check<Readonly<Record<string, unknown>>>;
}

// Without the role: two different ones would make every type `never`.
type Both = Omit<SuperLinkConfig, 'role'> & Omit<SuperNodeConfig, 'role'>;

const declare =
  <Config>(roles: readonly Role[]) =>
  <Names extends keyof Config & VariableName>(
    reads: readonly Names[],
    check: Check<Pick<Config, Names>>,
  ): Rule => ({ roles, reads, check: check as Rule['check'] });

export const onSuperLink = declare<SuperLinkConfig>(['superlink']);
export const onSuperNode = declare<SuperNodeConfig>(['supernode']);
export const onBoth = declare<Pick<Both, keyof Both & keyof SuperLinkConfig & keyof SuperNodeConfig>>(ROLES);
