// Flower 1.31-1.34: Fleet, Control and AppIo are all gRPC, each with a listener of its own. AppIo stays plaintext on
// loopback: without --appio-ssl-* its clients are started with --insecure by Flower itself.
import { formatHostPort } from '../../core/hostport.ts';
import type { Profile } from './profile.ts';

export const grpcProfile: Profile = {
  id: 'grpc-1.31-1.34',
  from: [1, 31],
  to: [1, 34],
  superlinkListeners: ({ fleet, control, runtime }) => [
    '--fleet-api-type',
    'grpc-rere',
    '--fleet-api-address',
    formatHostPort(fleet),
    '--control-api-address',
    formatHostPort(control),
    '--serverappio-api-address',
    formatHostPort(runtime),
  ],
  supernodeRuntime: (runtime) => ['--clientappio-api-address', formatHostPort(runtime)],
  listeners: (wanted) => wanted,
};
