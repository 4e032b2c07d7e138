import { expectTypeOf, test } from 'vitest';
import type { BootConfig, SuperLinkConfig, SuperNodeConfig } from '../../../src/config/parse.ts';
import type { HostPort } from '../../../src/core/hostport.ts';
import type { TomlEntry } from '../../../src/core/toml.ts';

// Checked by the compiler (npm run check); at run time these say nothing.
test("a configuration's types come from the table: numbers, addresses, choices, undefined only without a default", () => {
  expectTypeOf<SuperLinkConfig['FL_NUM_ROUNDS']>().toEqualTypeOf<number>();
  expectTypeOf<SuperLinkConfig['FL_FLEET_API_ADDRESS']>().toEqualTypeOf<HostPort>();
  expectTypeOf<SuperLinkConfig['FL_TLS_ENABLED']>().toEqualTypeOf<boolean>();
  expectTypeOf<SuperNodeConfig['FL_TLS_ENABLED']>().toEqualTypeOf<boolean | undefined>();
  expectTypeOf<SuperNodeConfig['FL_SUPERLINK_ADDRESS']>().toEqualTypeOf<HostPort | undefined>();
  expectTypeOf<SuperNodeConfig['FL_NODE_CONFIG']>().toEqualTypeOf<readonly TomlEntry[] | undefined>();
  expectTypeOf<SuperNodeConfig['ML_FRAMEWORK']>().toEqualTypeOf<
    'none' | 'pytorch' | 'tensorflow' | 'sklearn'
  >();
  expectTypeOf<BootConfig['FL_LOG_LEVEL']>().toEqualTypeOf<'DEBUG' | 'INFO' | 'WARNING' | 'ERROR'>();
  expectTypeOf<BootConfig['FLOWER_VERSION']>().toEqualTypeOf<string>();
  expectTypeOf<BootConfig['VMID']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<BootConfig['TOKEN']>().toEqualTypeOf<boolean>();
});

test('a variable of one role is not in the configuration of the other', () => {
  expectTypeOf<SuperNodeConfig>().not.toHaveProperty('FL_NUM_ROUNDS');
  expectTypeOf<SuperLinkConfig>().not.toHaveProperty('FL_SUPERLINK_ADDRESS');
});
