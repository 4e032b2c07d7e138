import { addressOf, exchange } from './exchange.ts';
import { charset, headerOf, parseReply, readSample, storedCases } from './sample.ts';

/** A VM's access to a OneGate, real or not. */
export interface Access {
  readonly endpoint: string;
  readonly vmid: number;
  readonly token: string;
}

/** What came of a replay: one line per difference. */
export interface Report {
  readonly matched: number;
  readonly differences: readonly string[];
}

/** Samples whose answer does not depend on what the VM is or has. */
const fixedAnswers = [
  ...[
    '01',
    '40',
    '41',
    '42',
    '43',
    '44',
    '45',
    '46',
    '47',
    '48',
    '50',
    '52',
    '60',
    '61',
    '62',
    '63',
    '64',
    '65',
  ],
  ...['70', '71', '72', '73', '75', '76', '77', '78', '79', '80', '81'],
];

/** Other ways to say GET /vm. */
const otherReads = ['49', '51', '53', '54'];

/** Names the replay itself leaves on the VM. */
const ours = /^(P\d*B?|ONE_142P|CHARSET)$/;

type UserTemplate = Readonly<Record<string, unknown>>;

/** Replays what one VM can ask, its own access instead of the recorded one. Leaves the VM's other attributes alone. */
export async function replayWithOneVm(access: Access): Promise<Report> {
  const address = addressOf(access.endpoint);
  const recordedToken = headerOf(readSample('02').request, 'x-onegate-token') ?? '';
  const differences: string[] = [];
  let matched = 0;

  const compare = (what: string, got: unknown, wanted: unknown) => {
    const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (a === b) matched++;
    else differences.push(`${what}: got ${a}, recorded ${b}`);
  };
  const adapted = (request: Buffer) => {
    const text = request.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    const head = text
      .slice(0, end)
      .replace(recordedToken, access.token)
      .replace(
        /^(X-ONEGATE-VMID: *)([12])( *)$/im,
        (_, name, id, blanks) => `${name}${access.vmid + Number(id) - 1}${blanks}`,
      )
      .replace(/^(\S+ \/vms\/)1\b/, `$1${access.vmid}`);
    return Buffer.from(head + text.slice(end), 'latin1');
  };
  const send = async (request: Buffer) => parseReply(await exchange(address, request, 0, 30_000));
  const put = (data: string, type = 1) => {
    const body = `data=${encodeURIComponent(data)}&type=${type}`;
    const headers = [
      `X-ONEGATE-TOKEN: ${access.token}`,
      `X-ONEGATE-VMID: ${access.vmid}`,
      `Content-Length: ${body.length}`,
    ];
    const type_ = 'Content-Type: application/x-www-form-urlencoded';
    return send(
      Buffer.from(
        `PUT /vm HTTP/1.1\r\nHost: onegate\r\n${headers.join('\r\n')}\r\n${type_}\r\nConnection: close\r\n\r\n${body}`,
      ),
    );
  };
  const read = async () => (await send(adapted(readSample('02').request))).body;
  const attributes = async (): Promise<UserTemplate> => JSON.parse(await read()).VM.USER_TEMPLATE;
  const clean = async () => {
    for (const name of Object.keys(await attributes())) if (ours.test(name)) await put(name, 2);
    await put('SCHED_MESSAGE', 2);
  };

  await clean();
  // A VMID that is no number counts as 0, which is somebody when we are VM 0.
  for (const start of fixedAnswers.filter((sample) => access.vmid !== 0 || sample !== '48')) {
    const sample = readSample(start);
    compare(sample.name, await send(adapted(sample.request)), parseReply(sample.response));
  }
  const plain = await read();
  compare(
    'GET /vm, its names',
    Object.keys(JSON.parse(plain).VM),
    Object.keys(JSON.parse(parseReply(readSample('02').response).body).VM),
  );
  for (const start of otherReads) {
    const sample = readSample(start);
    compare(sample.name, await send(adapted(sample.request)), { status: 200, body: plain });
  }
  for (const { file, stored, removed } of storedCases()) {
    const sample = readSample(file);
    const before = await attributes();
    compare(file, await send(adapted(sample.request)), parseReply(sample.response));
    const after = await attributes();
    const changed = Object.entries(after).filter(
      ([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value),
    );
    compare(`${file}, stored`, Object.fromEntries(changed), stored);
    compare(
      `${file}, removed`,
      Object.keys(before).filter((name) => !(name in after)),
      removed,
    );
  }
  const positions = {
    start: (c: string) => `${c}b`,
    middle: (c: string) => `a${c}b`,
    end: (c: string) => `a${c}`,
  };
  const { bad, ok_everywhere } = charset();
  for (const [position, around] of Object.entries(positions)) {
    const expectations = [...ok_everywhere].map((c) => [c, ['200', around(c)]] as const);
    const failures = Object.entries(bad).flatMap(([c, cases]) =>
      cases[position] ? [[c, cases[position]] as const] : [],
    );
    for (const [character, [status, stored]] of [...expectations, ...failures]) {
      await put('CHARSET=before');
      const reply = await put(`CHARSET=${around(character)}`);
      const value = (await attributes()).CHARSET;
      compare(
        `character ${character} at the ${position}`,
        [String(reply.status), value],
        [status, stored ?? 'before'],
      );
    }
  }
  await clean();
  return { matched, differences };
}
