// Flower 1.35-1.39: Fleet is gRPC, the API of the child processes (Runtime) is HTTP on --host/--port. Control is
// still gRPC on an address of its own in 1.35 and 1.36; from 1.37 it is HTTP and shares Runtime's listener, which then
// goes to FL_CONTROL_API_ADDRESS and speaks TLS whenever Fleet does.
import { formatHostPort } from '../../core/hostport.ts';
import type { Profile } from './profile.ts';

const CONTROL_OVER_HTTP_SINCE = 37;

export const mixedProfile: Profile = {
  id: 'mixed-1.35-1.39',
  from: [1, 35],
  to: [1, 39],
  superlinkListeners: ({ fleet, control, runtime }, minor) => {
    const shared = minor >= CONTROL_OVER_HTTP_SINCE;
    const http = shared ? control : runtime;
    return [
      '--fleet-api-type',
      'grpc-rere',
      '--fleet-api-address',
      formatHostPort(fleet),
      ...(shared ? [] : ['--control-api-address', formatHostPort(control)]),
      '--host',
      http.host,
      '--port',
      String(http.port),
    ];
  },
  supernodeRuntime: ({ host, port }) => ['--host', host, '--port', String(port)],
  listeners: (wanted, minor) =>
    minor >= CONTROL_OVER_HTTP_SINCE ? { ...wanted, runtime: wanted.control } : wanted,
};
