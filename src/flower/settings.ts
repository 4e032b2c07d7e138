// What decides how Flower is started: settings from the CONTEXT, keyed by the names of their variables, and facts of the
// VM. The configuration of the boot has these shapes.
import type { HostPort } from '../core/hostport.ts';
import type { Paths } from '../host/paths.ts';
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

/** Three PEM files of a TLS listener; absolute paths. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

export interface FlowerFacts {
  /** The Flower in `environment`, X.Y.Z. */
  readonly version: string;
  /** Folder of the virtual environment: absolute, and not the link to it, which may change while Flower runs. */
  readonly environment: string;
  readonly paths: Paths;
  /** Address of listeners for this VM only. */
  readonly loopback: string;
}

export interface SuperLinkFacts extends FlowerFacts {
  /**
   * Null: plaintext. `own`: a certificate of the agent's CA that names the loopback address. `operator`: what the Fleet
   * API shows instead, if the operator provides certificates.
   */
  readonly tls: { readonly own: Credentials; readonly operator: Credentials | null } | null;
}

export interface SuperNodeFacts extends FlowerFacts {
  /** The SuperLink's Fleet API. */
  readonly superlink: HostPort;
  /** File of the trusted CA certificates; null: plaintext. */
  readonly ca: string | null;
  /** File of the node config. Its name must end in `.toml`, or Flower takes it for the config itself. */
  readonly nodeConfig: string;
  /** CUDA_VISIBLE_DEVICES for the ClientApp; undefined: not set. */
  readonly cudaVisibleDevices?: string | undefined;
}
