// The part of the operator's configuration that decides how Flower is started, keyed by the names of the CONTEXT
// variables. The configuration of the boot fits these shapes as it is.
import type { HostPort } from '../core/hostport.ts';
import type { KeepaliveSettings } from './keepalive.ts';

interface BothSettings extends KeepaliveSettings {
  readonly FL_LOG_LEVEL: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly FL_ISOLATION: 'subprocess' | 'process';
}

export interface SuperLinkSettings extends BothSettings {
  readonly role: 'superlink';
  readonly FL_FLEET_API_ADDRESS: HostPort;
  readonly FL_CONTROL_API_ADDRESS: HostPort;
  /** Relative to the SuperLink's state directory. */
  readonly FL_DATABASE: string;
}

export interface SuperNodeSettings extends BothSettings {
  readonly role: 'supernode';
  /** 0: without end. */
  readonly FL_MAX_RETRIES: number;
  /** Seconds; 0: without end. */
  readonly FL_MAX_WAIT_TIME: number;
}
