/** An answer before it is written: headers in the order they go out. */
export interface Reply {
  readonly status: number;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: string | Buffer;
}

/** OneGate's usual answer: it says JSON whatever the body is (samples 06, 40). */
export function reply(status: number, body = ''): Reply {
  const headers = [
    ['Content-Type', 'application/json;charset=utf-8'],
    ['X-Content-Type-Options', 'nosniff'],
  ] as const;
  return { status, headers, body };
}

/** What the framework answers before OneGate's own code runs: samples 170, 205. */
export function frameworkReply(status: number, body: string): Reply {
  const headers = [
    ['Content-Type', 'text/html;charset=utf-8'],
    ['X-XSS-Protection', '1; mode=block'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'SAMEORIGIN'],
  ] as const;
  return { status, headers, body };
}

/** Ends the handling of a request with an answer. */
export class Halt extends Error {
  readonly reply: Reply;

  constructor(answer: Reply) {
    super(`${answer.status}`);
    this.reply = answer;
  }
}

export function halt(status: number, body: string): never {
  throw new Halt(reply(status, body));
}

/** A failure inside oned: OneGate drops the reason, which is only in its log (samples 14, 104). */
export function serverError(): never {
  halt(500, 'Internal server error');
}
