// The user that Flower runs as: what is given to it is open to the code of apps.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attempt, Problem } from '../../../src/core/problem.ts';
import { type Owner, realMachine, userIds } from '../../../src/host/machine.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'machine-'));
  mkdirSync(join(root, 'etc'));
});
afterAll(() => rmSync(root, { recursive: true }));

const OTHERS = 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n';
const lookUp = (line: string, others = OTHERS): Owner | Problem => {
  writeFileSync(join(root, 'etc/passwd'), `${others}${line}\n`);
  return attempt(() => userIds(realMachine(root), 'flower'));
};
const REST = 'Flower:/nonexistent:/usr/sbin/nologin';

describe('the user flower', () => {
  test('has the ids of its line', () => {
    expect(lookUp(`flower:x:989:988:${REST}`)).toEqual({ uid: 989, gid: 988 });
    expect(lookUp(`flowers:x:1:1:${REST}\nflower:!:1005:1005:::`)).toEqual({ uid: 1005, gid: 1005 });
  });

  test.each([
    ['root', `flower:x:0:0:${REST}`, /its uid is 0/],
    ['of the group root', `flower:x:989:0:${REST}`, /its gid is 0/],
    ['root by another spelling', `flower:x:00:989:${REST}`, /its uid is 0/],
    ['nobody', `flower:x:65534:65534:${REST}`, /its uid is 65534/],
    ['none (16 bits)', `flower:x:65535:989:${REST}`, /its uid is 65535/],
    ['another service', `flower:x:33:989:${REST}`, /the user www-data has the same uid, 33/],
    ['there twice', `flower:x:989:989:${REST}\nflower:x:0:0:${REST}`, /2 users of this name/],
    ['none (32 bits)', `flower:x:4294967295:989:${REST}`, /not one of passwd/],
    ['larger than an id', `flower:x:4294967296:989:${REST}`, /not one of passwd/],
    ['negative', `flower:x:-1:989:${REST}`, /not one of passwd/],
    ['a word', `flower:x:root:root:${REST}`, /not one of passwd/],
    ['cut off', 'flower:x:989', /not one of passwd/],
    ['in too many fields', `flower:x:989:989:${REST}:x`, /not one of passwd/],
    ['absent', '', /there is no such user/],
    ['only a part of a name', `flower2:x:989:989:${REST}`, /there is no such user/],
  ])('that is %s is refused', (_title, line, found) => {
    const problem = lookUp(line);
    expect(problem).toBeInstanceOf(Problem);
    const { code, facts, remedy } = problem as Problem;
    expect(code).toBe('image_incomplete');
    expect(facts.found).toMatch(found);
    expect(facts.doing).toContain(join(root, 'etc/passwd'));
    expect(facts.expected).toContain('a uid and a gid of its own');
    expect(remedy).toContain('systemd-sysusers');
  });

  test('cannot be looked up without a passwd file', () => {
    rmSync(join(root, 'etc/passwd'));
    expect(attempt(() => userIds(realMachine(root), 'flower'))).toMatchObject({ code: 'image_incomplete' });
  });
});
