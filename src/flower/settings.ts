// The part of the operator's configuration that decides how Flower is started, keyed by the names of the CONTEXT
// variables. The configuration of the boot fits these shapes as it is.
import type { Endpoint } from './endpoint.ts';
import type { KeepaliveSettings } from './keepalive.ts';

interface BothSettings extends KeepaliveSettings {
  readonly FL_LOG_LEVEL: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly FL_ISOLATION: 'subprocess' | 'process';
}

export interface SuperLinkSettings extends BothSettings {
  readonly role: 'superlink';
  readonly FL_FLEET_API_ADDRESS: Endpoint;
  readonly FL_CONTROL_API_ADDRESS: Endpoint;
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

/** What a run takes from the CONTEXT (`flwr run --run-config`). */
export interface RunSettings {
  readonly FL_NUM_ROUNDS: number;
  readonly FL_STRATEGY: string;
  readonly FL_MIN_FIT_CLIENTS: number;
  readonly FL_MIN_EVALUATE_CLIENTS: number;
  readonly FL_MIN_AVAILABLE_CLIENTS: number;
  readonly FL_PROXIMAL_MU: number;
  readonly FL_SERVER_LR: number;
  readonly FL_CLIENT_LR: number;
  readonly FL_NUM_MALICIOUS: number;
  readonly FL_TRIM_BETA: number;
  readonly FL_CHECKPOINT_ENABLED: boolean;
  readonly FL_CHECKPOINT_INTERVAL: number;
  /** Relative to the SuperLink's state directory. */
  readonly FL_CHECKPOINT_PATH: string;
}
