import { describe, expect, test, vi } from 'vitest';
import { readNodeConfig } from '../../../src/config/node-config.ts';
import { parseVariables, type SuperLinkConfig, type SuperNodeConfig } from '../../../src/config/parse.ts';
import { parseContextSh } from '../../../src/vm/context-sh.ts';
import { renderContextSh } from '../../support/context-sh.ts';
import { growth, PROPORTIONATE } from '../../support/growth.ts';
import { hostileContexts, largeContexts } from '../../support/hostile.ts';
import { findingsOf, LINK, NODE } from './support.ts';

// Two thousand contexts, some of them megabytes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

describe.each([
  ['superlink', LINK],
  ['supernode', NODE],
] as const)('hostile contexts of a %s', (role, image) => {
  const contexts = hostileContexts({ role });

  test('are more than 500, each of another name', () => {
    expect(contexts.length).toBeGreaterThan(500);
    expect(new Set(contexts.map(({ name }) => name)).size).toBe(contexts.length);
  });

  test('are unchanged after context.sh', () => {
    for (const { name, raw } of contexts) {
      const read = parseContextSh(renderContextSh(raw));
      expect(Object.keys(read).length, name).toBe(Object.keys(raw).length);
      expect(
        Object.keys(raw).every((key) => read[key] === raw[key]),
        name,
      ).toBe(true);
    }
  });

  test('are read, or refused with findings that are short and print on one line', () => {
    for (const { name, raw } of contexts) {
      for (const { variable, found, expected } of findingsOf(parseVariables(raw, image))) {
        expect(found.length, name).toBeLessThan(400);
        expect(`${variable}${found}${expected}`, name).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }
    }
  });

  test('that are accepted contain only valid paths, addresses and choices', () => {
    let accepted = 0;
    for (const { name, raw } of contexts) {
      const parsed = parseVariables(raw, image);
      if (!parsed.ok) continue;
      accepted += 1;
      if (image === LINK) {
        const config = parsed.config as SuperLinkConfig;
        for (const path of [config.FL_DATABASE, config.FL_CHECKPOINT_PATH]) {
          expect(path, name).toMatch(/^(?!\/)(?!.*(^|\/)\.\.?(\/|$))[A-Za-z0-9._/-]+$/);
        }
        for (const { host } of [config.FL_FLEET_API_ADDRESS, config.FL_CONTROL_API_ADDRESS])
          expect(host, name).toMatch(/^[a-z0-9.:-]+$/);
      } else {
        const config = parsed.config as SuperNodeConfig;
        for (const [key, value] of config.FL_NODE_CONFIG ?? []) {
          expect(key, name).toMatch(/^[\w.-]+$/);
          expect(typeof value === 'string' && /\p{Cc}/u.test(value), name).toBe(false);
        }
        expect(config.FL_CUDA_VISIBLE_DEVICES, name).toMatch(/^[A-Za-z0-9,/-]+$/);
      }
    }
    expect(accepted).toBeGreaterThan(50);
  });

  test.each(largeContexts(role, 8_192).map(({ name }, at) => [name, at] as const))(
    'cost in proportion to their size: %s',
    (_name, at) => {
      const input = (size: number) => largeContexts(role, size)[at]!.raw;
      expect(growth(input, 8_192, (raw) => parseVariables(raw, image))).toBeLessThan(PROPORTIONATE);
    },
  );
});

describe('a node config costs in proportion to its size:', () => {
  test.each(['a', '=', ' ', "'", '"a=', 'a=1 ', 'a= ', '=b', ',a='])('%j again and again', (piece) => {
    const input = (size: number) => piece.repeat(size / piece.length);
    expect(growth(input, 8_192, readNodeConfig)).toBeLessThan(PROPORTIONATE);
  });

  test('a list of many', () => {
    const input = (size: number) => `a=${',a'.repeat(size / 2 - 1)}`;
    expect(growth(input, 8_192, readNodeConfig)).toBeLessThan(PROPORTIONATE);
  });
});
