/** Samples that the stub does not repeat byte for byte, each with the reason and what is compared instead. */
export const exceptions: Readonly<
  Record<string, { readonly reason: string; readonly compare: 'status and body' | 'silence' }>
> = {
  '221-http-short-body': {
    reason:
      'the real one waits for the missing bytes; silence has no bytes to compare, so the test waits a moment instead',
    compare: 'silence',
  },
  '222-http-10': {
    reason:
      'node:http writes HTTP/1.1 in the status line and closes, also to an HTTP/1.0 client; our agent speaks 1.1',
    compare: 'status and body',
  },
  '350-oneflow-hang': {
    reason: 'no answer was recorded in 15 s; the test waits a moment instead',
    compare: 'silence',
  },
  '353-oned-hang': {
    reason: 'no answer was recorded in 15 s; the test waits a moment instead',
    compare: 'silence',
  },
};
