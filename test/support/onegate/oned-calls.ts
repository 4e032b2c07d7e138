/**
 * What requests to OneGate cost the front-end: the calls to oned for each, as counted on OneGate's own code of 7.4, and of
 * them those that OneFlow makes when OneGate asks it for the service (user.info and document.info). `perVm`: one more for
 * each VM of the service. The doubles of OneGate and the scale benchmark go by this table alone.
 */
export const ONED_CALLS = {
  'GET /vm': { calls: 3, ofOneFlow: 0, perVm: false },
  'PUT /vm': { calls: 5, ofOneFlow: 0, perVm: false },
  'GET /service': { calls: 5, ofOneFlow: 2, perVm: false },
  'GET /vms/ID': { calls: 6, ofOneFlow: 2, perVm: false },
  'GET /service?extended=true': { calls: 5, ofOneFlow: 2, perVm: true },
} as const;

export type OneGateRequest = keyof typeof ONED_CALLS;

/** How long oned takes for a call; it does one at a time. */
export const ONED_MS_PER_CALL = 5;

/** The row of the table for a request; undefined: OneGate does not call oned (or no agent sends it). */
export function requestOf(method: string, path: string, extended: boolean): OneGateRequest | undefined {
  const generic = path.replace(/^\/vms\/[^/]+$/, '/vms/ID');
  const name = `${method} ${generic}${extended ? '?extended=true' : ''}`;
  return name in ONED_CALLS ? (name as OneGateRequest) : undefined;
}

/** Calls to oned for a request of a VM whose service has so many VMs. */
export function callsFor(request: OneGateRequest | undefined, vmsOfService: number): number {
  if (request === undefined) return 0;
  const { calls, perVm } = ONED_CALLS[request];
  return calls + (perVm ? vmsOfService : 0);
}
