// The requests of the client, its retries, the errors without a retry, and their messages. HTTP is
// replaced here; test/integration/onegate-client.test.ts has real sockets.
import { describe, expect, test } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { HttpFailure, type HttpReply, type HttpRequest } from '../../../src/host/http.ts';
import {
  connectOneGate,
  type OneGate,
  type OneGateOptions,
  type Retry,
} from '../../../src/onegate/client.ts';
import { describeProblem } from '../../../src/report/journal.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recorded } from '../../support/recorded.ts';

const TOKEN = 'dG9wc2VjcmV0dG9rZW4=';

type Answer = (Omit<HttpReply, 'headers'> & Partial<Pick<HttpReply, 'headers'>>) | Error;

const exchange = (number: string): Answer => {
  const { status, body } = recorded(number);
  return { status, body };
};
const redirect = (location: string): Answer => ({ status: 301, body: '<html>Moved', headers: { location } });
const refused = new HttpFailure('refused', 'connection refused: nothing listens there');

/** A client whose questions get these answers, one after the other; the last is repeated. */
function oneGateWith(answers: Answer[], options: Partial<OneGateOptions> = {}) {
  const clock = new FakeClock();
  const asked: HttpRequest[] = [];
  const retries: Retry[] = [];
  const oneGate: OneGate = connectOneGate({
    endpoint: 'http://172.16.100.1:5030/ignored?x=1',
    token: TOKEN,
    vmId: 2,
    clock,
    random: () => 0.5,
    onRetry: (retry) => retries.push(retry),
    send: async (request) => {
      asked.push(request);
      const answer = answers[Math.min(asked.length, answers.length) - 1]!;
      if (answer instanceof Error) throw answer;
      return { headers: {}, ...answer };
    },
    ...options,
  });
  return { oneGate, asked, retries, clock };
}

async function problemOf(work: Promise<unknown>, clock: FakeClock): Promise<Problem> {
  const error = await clock.run(work).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Problem)) throw new Error(`not a problem: ${String(error)}`);
  return error;
}

describe('a request', () => {
  test('goes to the host of the endpoint and a fixed path, with token and VM id in headers', async () => {
    const { oneGate, asked } = oneGateWith([exchange('24')]);
    await oneGate.peer(1);
    expect(asked[0]).toMatchObject({
      method: 'GET',
      timeoutMs: 5_000,
      headers: { 'X-ONEGATE-TOKEN': TOKEN, 'X-ONEGATE-VMID': '2' },
    });
    expect(asked[0]!.url.href).toBe('http://172.16.100.1:5030/vms/1');
  });

  test('an update is a form that is merged', async () => {
    const { oneGate, asked } = oneGateWith([exchange('10')]);
    await oneGate.update({ READY: 'NO', FL_READY: 'NO' });
    expect(asked[0]).toMatchObject({
      method: 'PUT',
      body: 'data=READY%3DNO%0AFL_READY%3DNO&type=1',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect(asked[0]!.url.pathname).toBe('/vm');
  });

  test('that would open the gate is not sent unless the node serves', async () => {
    const { oneGate, asked } = oneGateWith([exchange('10')]);
    await expect(oneGate.update({ FL_READY: 'YES' })).rejects.toMatchObject({
      code: 'onegate_value_refused',
    });
    expect(asked).toHaveLength(0);
    await oneGate.update({ FL_READY: 'YES' }, { ready: true });
    expect(asked).toHaveLength(1);
  });

  test.each(['ftp://172.16.100.1', 'not a url', '', 'file:///etc/passwd'])(
    'cannot be put to %j',
    (endpoint) => {
      expect(() => oneGateWith([], { endpoint })).toThrow(
        expect.objectContaining({ code: 'config_validation_failed' }),
      );
    },
  );

  test.each(['', 'two words', 'new\nline', 'tökén'])(
    'cannot be put with the token %j, which is not repeated',
    (token) => {
      expect(() => oneGateWith([], { token })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('tökén') }),
      );
    },
  );
});

describe('a VM', () => {
  /** A wire on which an answer takes a second. */
  function slowWire() {
    const clock = new FakeClock();
    let now = 0;
    const seen: number[] = [];
    const { oneGate, asked } = oneGateWith([], {
      clock,
      send: async (request) => {
        asked.push(request);
        seen.push(++now);
        await clock.sleep(1_000);
        now--;
        const { status, body } = recorded(request.method === 'PUT' ? '10' : '24');
        return { headers: {}, status, body };
      },
    });
    return { clock, oneGate, asked, seen };
  }

  test('sends one request at a time', async () => {
    const { clock, oneGate, seen } = slowWire();
    await clock.run(Promise.all([oneGate.update({ READY: 'NO' }), oneGate.peer(1), oneGate.vm()]));
    expect(seen).toEqual([1, 1, 1]);
  });

  test('that is aborted does not wait for the request before its own, and sends none', async () => {
    const { clock, oneGate, asked } = slowWire();
    const stop = new AbortController();
    const first = oneGate.vm();
    const second = expect(oneGate.peer(1, { signal: stop.signal })).rejects.toThrow('stopped');
    await clock.advance(10);
    stop.abort(new Error('stopped'));
    await second;
    await clock.run(first);
    await clock.advance(5_000);
    expect(asked).toHaveLength(1);
  });
});

describe('a temporary failure is tried again', () => {
  test.each<[string, Answer]>([
    ['401, also the answer while oned is down', exchange('360')],
    ['404, also the answer while OneFlow is down', exchange('351')],
    ['500', exchange('104')],
    ['400 "does not contain VM", while the service is being created', exchange('326')],
    ['a refused connection', refused],
    ['no answer in time', new HttpFailure('timeout', 'no whole answer within 5 s')],
    ['half an answer', new HttpFailure('truncated', 'the connection ended in the middle of the answer')],
    ['a login page', { status: 200, body: '<html>log in</html>' }],
    ['JSON of something else', { status: 200, body: '{"error":1}' }],
    ['a redirect', { status: 302, body: '' }],
  ])('%s', async (_, answer) => {
    const { oneGate, asked, retries, clock } = oneGateWith([answer, answer, exchange('20')]);
    const service = await clock.run(oneGate.service());
    expect(service.id).toBe(1);
    expect(asked).toHaveLength(3);
    expect(retries.map(({ attempt, tries }) => [attempt, tries])).toEqual([
      [1, 8],
      [2, 8],
    ]);
    expect(retries[0]!.why).not.toBe('');
  });

  test('a bounded number of times, each wait between half and all of a bound that doubles up to the maximum', async () => {
    const bounds = async (random: number): Promise<number[]> => {
      const { oneGate, asked, clock } = oneGateWith([refused], { random: () => random });
      await problemOf(oneGate.vm(), clock);
      expect(asked).toHaveLength(8);
      return clock.sleeps;
    };
    expect(await bounds(0.999_999)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(await bounds(0)).toEqual([250, 500, 1_000, 2_000, 4_000, 7_500, 7_500]);
  });

  test.each<[string, Answer]>([
    ['a login page', { status: 200, body: '<html>log in</html>' }],
    ['a blank', { status: 200, body: ' ' }],
    ['a document', exchange('02')],
    ['a success that OneGate does not know', { status: 204, body: '' }],
  ])(
    'an update that is answered with %s, which is not how OneGate says that it was stored',
    async (_, answer) => {
      const { oneGate, asked, clock } = oneGateWith([answer, answer, exchange('10')]);
      await clock.run(oneGate.update({ READY: 'NO' }));
      expect(asked).toHaveLength(3);
    },
  );

  test('as its caller wants it', async () => {
    const { oneGate, asked, clock } = oneGateWith([refused]);
    await problemOf(
      oneGate.vm({ policy: { tries: 2, tryTimeoutMs: 1_000, firstWaitMs: 10, maxWaitMs: 10 } }),
      clock,
    );
    expect(asked.map((request) => request.timeoutMs)).toEqual([1_000, 1_000]);
  });

  test('until its caller gives up', async () => {
    const { oneGate, asked, clock } = oneGateWith([refused]);
    const stop = new AbortController();
    const work = oneGate.vm({ signal: stop.signal });
    const end = expect(work).rejects.toThrow('asked to stop');
    await clock.advance(400);
    stop.abort(new Error('asked to stop'));
    await end;
    expect(asked.length).toBeLessThan(4);
    expect(clock.pending).toBe(0);
  });
});

describe('a permanent failure ends at once', () => {
  test.each(['06', '29', '343'])('a VM in no service (exchange %s)', async (number) => {
    const { oneGate, asked, clock } = oneGateWith([exchange(number)]);
    const problem = await problemOf(oneGate.service(), clock);
    expect(problem.code).toBe('not_in_service');
    expect(asked).toHaveLength(1);
  });

  test('403, with a remedy for host names where that is the reason', async () => {
    const { oneGate, asked, clock } = oneGateWith([{ status: 403, body: 'Host not permitted' }]);
    const problem = await problemOf(oneGate.vm(), clock);
    expect(problem.facts.remedy).toContain('set ONEGATE_ENDPOINT to an address');
    expect(asked).toHaveLength(1);
  });
});

describe('the final error', () => {
  test.each<[string, Answer, string]>([
    ['oned down', exchange('360'), 'check that oned runs'],
    ['OneFlow down', exchange('351'), 'opennebula-flow'],
    ['OneGate down', refused, 'opennebula-gate'],
    [
      'a name that is not known',
      new HttpFailure('dns', 'the name is not known'),
      'add 172.16.100.1 to the DNS',
    ],
    [
      'a certificate that is not trusted',
      new HttpFailure('tls', 'its certificate is not trusted'),
      'system trust',
    ],
    ['500', exchange('104'), 'onegate.log'],
    ['something else', { status: 200, body: 'hello' }, 'does not answer like OneGate'],
    [
      'a redirect',
      redirect('https://one.example:5030/vm'),
      'ONEGATE_ENDPOINT to https://one.example:5030 in',
    ],
    ['a redirect to itself', redirect('/login?token=x'), 'OneGate never redirects'],
    ['a proxy with a small limit', { status: 413, body: '<html>' }, 'client_max_body_size'],
    ['a proxy without OneGate behind it', { status: 502, body: '<html>' }, 'opennebula-gate'],
  ])('names the endpoint, the answer, the beginning and what to check: %s', async (_, answer, check) => {
    const { oneGate, clock } = oneGateWith([answer]);
    const problem = await problemOf(oneGate.vm(), clock);
    expect(problem.code).toBe('onegate_unreachable');
    expect(problem.message).toContain('http://172.16.100.1:5030');
    expect(problem.message).toContain('8 tries since 2026-11-21T06:00:00.000Z');
    expect(problem.facts.remedy).toContain(check);
  });

  test('names the target of a redirect without its secrets', async () => {
    const { oneGate, clock } = oneGateWith([redirect('https://u:p@one.example/vm?token=x#y')]);
    const problem = await problemOf(oneGate.vm(), clock);
    expect(problem.facts.found).toContain('it answered 301, a redirect to https://one.example/vm;');
  });

  test('of a 403 without a reason is not about the permissions of OneGate, which names what it refuses', async () => {
    const bare = oneGateWith([{ status: 403, body: '' }]);
    const { facts } = await problemOf(bare.oneGate.vm(), bare.clock);
    expect(facts.remedy).toContain('does a proxy refuse');
    const named = oneGateWith([{ status: 403, body: 'Action (show) on resource (service) not supported' }]);
    expect((await problemOf(named.oneGate.vm(), named.clock)).facts.remedy).toContain(':permissions:');
  });

  test('quotes the page that answered an update', async () => {
    const { oneGate, clock } = oneGateWith([{ status: 200, body: `<html>log in with ${TOKEN}</html>` }]);
    const problem = await problemOf(oneGate.update({ READY: 'NO' }), clock);
    expect(problem.code).toBe('onegate_unreachable');
    expect(problem.message).toContain(
      'an empty answer was expected, not 45 characters: <html>log in with <token>',
    );
    expect(problem.facts.remedy).toContain('a proxy or a login page?');
  });

  test('of a wrong document names the field without its value', async () => {
    const body = '{"SERVICE":{"id":"hunter2","name":"x","state":2,"roles":[]}}';
    const { oneGate, clock } = oneGateWith([{ status: 200, body }]);
    const problem = await problemOf(oneGate.service(), clock);
    expect(problem.message).toContain('unexpected answer: SERVICE.id has an unexpected form');
    expect(problem.message).not.toContain('hunter2');
  });

  test('never contains the token, also when OneGate sends it back', async () => {
    const { oneGate, retries, clock } = oneGateWith([{ status: 500, body: `wrong token ${TOKEN}` }]);
    const problem = await problemOf(oneGate.vm(), clock);
    expect(`${describeProblem(problem).join()} ${JSON.stringify(retries)}`).not.toContain(TOKEN);
    expect(problem.message).toContain('wrong token');
  });

  test('quotes no more than the printable beginning of an answer', async () => {
    const { oneGate, clock } = oneGateWith([{ status: 500, body: `\u001b[31mred\r\n${'x'.repeat(5_000)}` }]);
    const problem = await problemOf(oneGate.vm(), clock);
    expect(problem.message).not.toMatch(/\p{Cc}/u);
    expect(problem.message.length).toBeLessThan(350);
  });
});

describe('updates', () => {
  test('arrive in the order they were asked for, also when an early one has to be tried again', async () => {
    const stored: string[] = [];
    let failures = 3;
    const clock = new FakeClock();
    const { oneGate } = oneGateWith([], {
      clock,
      send: async ({ body }) => {
        await clock.sleep(10);
        if (failures-- > 0) throw refused;
        stored.push(new URLSearchParams(body).get('data')!);
        return { status: 200, headers: {}, body: '' };
      },
    });
    const both = Promise.all([
      oneGate.update({ READY: 'NO' }),
      oneGate.update({ READY: 'YES' }, { ready: true }),
    ]);
    await clock.run(both);
    expect(stored).toEqual(['READY=NO', 'READY=YES']);
  });

  test('continue after one that failed', async () => {
    const answers = [...Array.from({ length: 8 }, () => refused), exchange('10')];
    const { oneGate, asked, clock } = oneGateWith(answers);
    const first = oneGate.update({ READY: 'NO' });
    const second = oneGate.update({ FL_ERROR: '-' });
    first.catch(() => {});
    await clock.run(second);
    await expect(first).rejects.toMatchObject({ code: 'onegate_unreachable' });
    expect(asked).toHaveLength(9);
  });
});
