import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/core/catalogue.ts';

describe('a problem code', () => {
  test('is never renamed, because it is FL_ERROR on OneGate and people search for it', () => {
    const given = [
      'address_not_in_certificate',
      'agent_running',
      'app_lacks_settings',
      'app_out_of_memory',
      'ca_invalid',
      'ca_mismatch',
      'ca_missing',
      'change_pending',
      'clock_off',
      'config_suspicious',
      'config_validation_failed',
      'context_unreadable',
      'dcgm_unavailable',
      'discovery_timeout',
      'flower_crash_loop',
      'flower_database_newer',
      'flower_generation_differs',
      'flower_hung',
      'flower_install_failed',
      'flower_out_of_memory',
      'flower_start_failed',
      'flower_state_unknown',
      'flower_version_differs',
      'flower_version_unsupported',
      'gpu_not_found',
      'health_check_timeout',
      'image_incomplete',
      'internal_error',
      'interrupted',
      'metrics_unavailable',
      'no_address',
      'not_in_service',
      'onegate_unreachable',
      'onegate_value_refused',
      'peer_suspicious',
      'port_in_use',
      'retry_limit_reached',
      'run_failed',
      'run_not_started',
      'run_timed_out',
      'run_without_result',
      'state_damaged',
      'state_unwritable',
      'superlink_ambiguous',
      'superlink_unreachable',
      'tls_mode_mismatch',
      'tls_setup_failed',
    ];
    // New codes are added here; no code is removed.
    expect(Object.keys(CATALOGUE).sort()).toEqual(given);
  });

  test('can be published on OneGate', () => {
    for (const code of Object.keys(CATALOGUE)) expect(code).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
  });
});
