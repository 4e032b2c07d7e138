// The three kinds of service template: who is in it, which variables its form offers, and what it wants otherwise than
// the table says.
import { ALL_NAMES, rowOf, type VariableName } from '../table.ts';
import type { Role } from '../variable.ts';

export type Site = 'single-site' | 'coordinator' | 'training-site';

export interface Count {
  readonly cardinality: number;
  readonly min: number;
  readonly max: number;
}

interface SiteFacts {
  readonly name: string;
  readonly description: string;
  readonly roles: readonly Role[];
  /** How many SuperNodes, when nobody says. */
  readonly supernodes: Count;
  /** What forms are filled in with here instead of the default. */
  readonly presets: Partial<Record<VariableName, string>>;
  readonly mandatory: readonly VariableName[];
  /** Variables that could only do harm here, and why. */
  readonly without: Partial<Record<VariableName, string>>;
}

export const SITES: Readonly<Record<Site, SiteFacts>> = {
  'single-site': {
    name: 'Flower federation',
    description: 'A Flower SuperLink and its SuperNodes in one zone',
    roles: ['superlink', 'supernode'],
    supernodes: { cardinality: 2, min: 2, max: 10 },
    presets: {},
    mandatory: [],
    without: {
      FL_SUPERLINK_ADDRESS: 'the SuperLink of the service is discovered; an address would switch that off',
    },
  },
  coordinator: {
    name: 'Flower coordinator',
    description: 'A Flower SuperLink for SuperNodes of other zones',
    roles: ['superlink'],
    supernodes: { cardinality: 0, min: 0, max: 0 },
    presets: { FL_NUM_ROUNDS: '10' },
    mandatory: [],
    without: {},
  },
  'training-site': {
    name: 'Flower training site',
    description: 'Flower SuperNodes for a SuperLink in another zone',
    roles: ['supernode'],
    supernodes: { cardinality: 2, min: 2, max: 10 },
    presets: {},
    mandatory: ['FL_SUPERLINK_ADDRESS', 'FL_SSL_CA_CERTFILE'],
    without: {
      FL_EDGE_BACKOFF: 'nothing is discovered: FL_SUPERLINK_ADDRESS names the SuperLink',
      FL_EDGE_MAX_BACKOFF: 'nothing is discovered: FL_SUPERLINK_ADDRESS names the SuperLink',
    },
  },
};

export const SITE_NAMES = Object.keys(SITES) as readonly Site[];

/** The variables that the service as a whole is asked for. */
export const serviceInputs = (site: Site): readonly VariableName[] =>
  offered(site).filter((name) => rowOf(name).level === 'service');

/** The variables that one role of the service is asked for. */
export const roleInputs = (site: Site, role: Role): readonly VariableName[] =>
  offered(site).filter((name) => rowOf(name).level === 'role' && rowOf(name).roles.includes(role));

/** What a template writes into the CONTEXT of every VM; nobody is asked for it. */
export const INFRASTRUCTURE: readonly VariableName[] = ALL_NAMES.filter(
  (name) => rowOf(name).level === 'infrastructure' && rowOf(name).template !== undefined,
);

const offered = (site: Site): readonly VariableName[] =>
  ALL_NAMES.filter(
    (name) =>
      SITES[site].without[name] === undefined &&
      rowOf(name).roles.some((role) => SITES[site].roles.includes(role)),
  );
