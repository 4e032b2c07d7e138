// The backup of a SuperLink, with the commands of docs/operate.md word for word.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

const page = readFileSync(join(REPOSITORY, 'docs/operate.md'), 'utf8');
const section = page.slice(page.indexOf('## Back up and restore a SuperLink'));
const [BACKUP, RESTORE] = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
  ([, commands]) => `set -e\n${commands}`,
);

const APPS = '/var/lib/flower-app';
const STATE = '/var/lib/flower/superlink';
/** A run that Flower has not written to its main file yet: SQLite keeps it in the file beside it. */
const OPEN_DATABASE = `
import os, sqlite3, sys
database = sqlite3.connect("${STATE}/app.db")
database.execute("pragma journal_mode=wal")
database.execute("create table t (x)")
database.execute("insert into t values (42)")
database.commit()
print("written", flush=True)
sys.stdin.read()
`;

let service: GuestService;
let guest: Guest;
beforeAll(async () => {
  service = new GuestService({ make: container, supernodes: 0 });
  await service.up();
  guest = service.superlink;
});
afterAll(() => service?.stop());

const asFlower = 'setpriv --reuid=flower --regid=flower --clear-groups';
const asApp = 'setpriv --reuid=flower-app --regid=flower-app --clear-groups';
const fingerprint = (): Promise<string> => guest.sh("flower-context ca | grep '^fingerprint'");

test('a backup while Flower runs is restored: the CA, the database, and nothing that an app points to', async () => {
  const before = await fingerprint();
  const files = [
    ...['ln -s /etc/shadow link', 'ln -s /var/lib/flower-context/tls/ca.key key.pem', 'mkfifo fifo'],
    ...['mkdir checkpoints2', 'echo model >checkpoints2/model.npz', 'ln -s /etc folder'],
  ];
  await guest.sh(
    `cd ${STATE}; ${files.map((one) => `${asFlower} ${one}`).join('; ')}`
      .replace('echo model >', 'sh -c "echo model >')
      .replace('model.npz;', 'model.npz";'),
  );
  // The models of FL_ISOLATION=process.
  await guest.sh(
    `install -d -m 700 -o flower-app -g flower-app ${APPS}; ${asApp} sh -c 'umask 077; echo model >${APPS}/model'`,
  );
  await guest.sh('cat >/opt/flower/open.py', { stdin: OPEN_DATABASE });
  // The database stays open, and in use, while it is copied.
  const { code, stderr } = await guest.exec(
    `mkfifo /tmp/wait; (${asFlower} python3 /opt/flower/open.py </tmp/wait >/tmp/written) & exec 9>/tmp/wait
     until grep -q written /tmp/written; do sleep 0.1; done\n${BACKUP}`,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await guest.sh('stat -c "%a %U" /root/superlink /root/superlink/*')).toBe(
    ['700 root', ...Array(4).fill('600 root')].join('\n'),
  );
  const names = await guest.sh('tar -tf /root/superlink/flower.tar');
  expect(names).toContain('checkpoints2/model.npz');
  expect(names).not.toContain('fifo');
  expect(names).not.toMatch(/folder\/|-wal/);

  // Another CA and other files, as on a VM that is deployed for the restore.
  await guest.sh(
    `systemctl stop flower-context flower-superlink; rm -r /var/lib/flower-context/tls ${STATE}/app.db*`,
  );
  await guest.sh(
    `systemctl start flower-context; rm -r /root/superlink ${APPS}/model; ${asFlower} touch ${STATE}/later`,
  );
  await guest.until(
    'another CA',
    async () => (await guest.exec(`test -e /var/lib/flower-context/tls/ca.pem`)).code === 0,
  );
  await guest.whenReady();
  expect(await fingerprint()).not.toBe(before);
  const running = await guest.exec(
    'tar -C /root -xzpf /root/superlink.tar.gz; flower-context restore /root/superlink',
  );
  expect({ code: running.code, said: running.stderr }).toMatchObject({
    code: 64,
    said: expect.stringContaining('systemctl stop'),
  });

  await guest.sh(RESTORE!, { timeoutMs: 120_000 });
  await guest.until(
    'the agent',
    async () => (await guest.unit('flower-context', 'ActiveState')).ActiveState === 'active',
  );
  await guest.whenReady();
  expect(await fingerprint()).toBe(before);
  const read = `python3 -c 'import sqlite3; print(sqlite3.connect("${STATE}/app.db").execute("select x from t").fetchall())'`;
  expect(await guest.sh(`${asFlower} ${read}`)).toBe('[(42,)]');
  expect(await guest.sh(`cat ${STATE}/checkpoints2/model.npz; ls ${STATE}`)).not.toContain('later');
  expect(await guest.sh(`cat ${APPS}/model; stat -c '%a %U' ${APPS} ${APPS}/model; ls -A ${APPS}`)).toBe(
    'model\n700 flower-app\n600 flower-app\nmodel',
  );
  expect(await guest.sh(`stat -c '%a %U' /etc/shadow /var/lib/flower-context/tls/ca.key`)).toBe(
    '640 root\n600 root',
  );
});
