// What differs between ranges of Flower versions when the two daemons are started.
import type { HostPort } from '../../core/hostport.ts';

/** Where a SuperLink listens. */
export interface SuperLinkListeners {
  readonly fleet: HostPort;
  /** FL_CONTROL_API_ADDRESS. */
  readonly control: HostPort;
  /** Flower's API for its own child processes (ServerAppIo, Runtime): this VM only. */
  readonly runtime: HostPort;
}

export interface Profile {
  readonly id: 'grpc-1.31-1.34' | 'mixed-1.35-1.39';
  /** First and last X.Y of the range, both inside. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  /** Listen arguments of flower-superlink. `minor` is the Y of the version that runs. */
  superlinkListeners(listeners: SuperLinkListeners, minor: number): string[];
  /** Listen arguments of flower-supernode for the API that its own child processes use. */
  supernodeRuntime(runtime: HostPort): string[];
  /** Where a SuperLink of this version listens when it is started with `superlinkListeners` of the same listeners. */
  listeners(wanted: SuperLinkListeners, minor: number): SuperLinkListeners;
}
