import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { run } from '../support/zone/process.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

// `make advisories`, with a database that knows what the test says.

let server: Server | undefined;
afterEach(() => server?.close());

interface Query {
  readonly package: { readonly ecosystem: string; readonly name: string };
  readonly version: string;
}

/** Status and output of the command, for a database that gives these ids. */
async function advisories(idsOf: (query: Query) => readonly string[] | undefined) {
  const asked: Query[] = [];
  server = createServer((request, reply) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { queries } = JSON.parse(body) as { queries: Query[] };
      asked.push(...queries);
      const ids = queries.map(idsOf);
      if (ids.includes(undefined)) reply.writeHead(503).end();
      else reply.end(JSON.stringify({ results: ids.map((of) => ({ vulns: of!.map((id) => ({ id })) })) }));
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...(await run(process.execPath, ['scripts/advisories.ts', address], { cwd: REPOSITORY })), asked };
}

test('every package of every lock file is asked about, and none has an advisory', async () => {
  const { code, stdout, asked } = await advisories(() => []);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+ packages of \d+ lock files: no advisory is known/);
  const names = asked.map(({ package: { ecosystem, name } }) => `${ecosystem} ${name}`);
  for (const name of ['npm zod', 'npm @grpc/grpc-js', 'PyPI flwr', 'PyPI cryptography', 'PyPI torch'])
    expect(names).toContain(name);
  expect(asked.every(({ version }) => /^\d[\w.-]*$/.test(version))).toBe(true);
});

test('an advisory is printed with the package and its lock files, and the status is 1', async () => {
  const { code, stdout } = await advisories(({ package: { name } }) => (name === 'zod' ? ['GHSA-1'] : []));
  expect(code).toBe(1);
  expect(stdout).toMatch(/^npm zod [\d.]+ \(package-lock\.json\): GHSA-1$/m);
  expect(stdout).toContain('advisories about 1 are known');
});

test('a database that does not answer is not the same as no advisory', async () => {
  const { code, stdout, stderr } = await advisories(() => undefined);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/NOT compared with an advisory database[\s\S]*503[\s\S]*make advisories/);
});
