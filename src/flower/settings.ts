// What decides how Flower is started: variables of the CONTEXT, and facts of the VM.
import * as z from 'zod';
import type { SuperLinkConfig, SuperNodeConfig } from '../config/config.ts';
import type { HostPort } from '../core/hostport.ts';
import type { Paths } from '../host/paths.ts';

type Common =
  | 'role'
  | 'FL_LOG_LEVEL'
  | 'FL_ISOLATION'
  | 'FL_GRPC_KEEPALIVE_TIME'
  | 'FL_GRPC_KEEPALIVE_TIMEOUT';

export type SuperLinkSettings = Pick<
  SuperLinkConfig,
  | Common
  | 'FL_FLEET_API_ADDRESS'
  | 'FL_CONTROL_API_ADDRESS'
  | 'FL_DATABASE'
  | 'FL_CHECKPOINT_ENABLED'
  | 'FL_CHECKPOINT_PATH'
>;
export type SuperNodeSettings = Pick<SuperNodeConfig, Common | 'FL_MAX_RETRIES' | 'FL_MAX_WAIT_TIME'>;

/** Three PEM files of a TLS listener; absolute paths. */
export const credentials = z.lazy(() =>
  z.strictObject({ certificate: z.string(), key: z.string(), ca: z.string() }),
);
export type Credentials = Readonly<z.infer<typeof credentials>>;

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
  /** A name or address in the operator's certificate. */
  readonly serverName?: string | undefined;
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
