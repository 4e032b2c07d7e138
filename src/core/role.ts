// The two roles of an appliance.

export const ROLES = ['superlink', 'supernode'] as const;

export type Role = (typeof ROLES)[number];

/** The name of a role in texts. */
export const ROLE_TITLE: Readonly<Record<Role, string>> = { superlink: 'SuperLink', supernode: 'SuperNode' };
