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
  /** The Flower that is in `environment`. */
  readonly version: string;
  /** The virtual environment's folder: absolute, not the link to it, so that a running Flower never changes under itself. */
  readonly environment: string;
  readonly paths: Paths;
  /** Address of listeners meant for this VM only. */
  readonly loopback: string;
}

export interface SuperLinkFacts extends FlowerFacts {
  /**
   * TLS material, or null for plaintext. `own` is a certificate of the agent's own CA that names the loopback address.
   * `operator` is what the Fleet listener shows in its place, when the operator brought certificates.
   */
  readonly tls: { readonly own: Credentials; readonly operator: Credentials | null } | null;
}

export interface SuperNodeFacts extends FlowerFacts {
  /** The SuperLink's Fleet API. */
  readonly superlink: HostPort;
  /** File of the CA certificates to trust, or null for plaintext. */
  readonly ca: string | null;
  /** File of the node config; its name must end in `.toml`, by which Flower knows that it is a file. */
  readonly nodeConfig: string;
  /** CUDA_VISIBLE_DEVICES for the ClientApp; left unset when undefined. */
  readonly cudaVisibleDevices?: string | undefined;
}
