import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentSettings, sandboxSettings } from '../../../src/host/unit-file.ts';

const unit = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../systemd', name), 'utf8');

describe('the sandbox of a unit', () => {
  test('is every setting of the section Service, in its order, with those of drop-ins', () => {
    const text =
      '# /usr/lib/systemd/system/a.service\n[Unit]\nAfter=b.service\n[Service]\nType=notify\nExecStart=/bin/a\n' +
      'ReadWritePaths=-/a \\\n  -/b\n# User=nobody\nUser=flower\n\n[Install]\nWantedBy=c.target\n\n' +
      '# /etc/systemd/system/a.service.d/x.conf\n[Service]\nReadWritePaths=\nStandardOutput=file:/x\n';
    expect(sandboxSettings(text)).toEqual(['ReadWritePaths=-/a    -/b', 'User=flower', 'ReadWritePaths=']);
  });

  test('has no variables and credentials: they are not for arguments', () => {
    const text =
      '[Service]\nEnvironment=A=old\nSetCredential=key:secret\nUser=flower\n' +
      'Environment="B=b \\"c\\" it\'s" C=1%%2 \'D=d "e"\' F=\nEnvironmentFile=/x\n[Unit]\nEnvironment=G=1\n';
    expect(sandboxSettings(text)).toEqual(['User=flower', 'EnvironmentFile=/x']);
    expect(environmentSettings(text)).toEqual({ A: 'old', B: 'b "c" it\'s', C: '1%2', D: 'd "e"', F: '' });
    expect(environmentSettings(`${text}[Service]\nEnvironment=\nEnvironment=H=1\n`)).toEqual({ H: '1' });
  });

  test.each(['flower-context.service', 'flower-superlink.service', 'flower-supernode.service'])(
    '%s: all that restricts, and nothing that starts, restarts or ends it',
    (name) => {
      const settings = sandboxSettings(unit(name));
      const names = settings.map((setting) => setting.split('=')[0]);
      expect(settings).toContain('NoNewPrivileges=yes');
      expect(settings).toContain('ProtectSystem=strict');
      expect(settings).toContain('SystemCallFilter=@system-service');
      expect(names).toContain('CapabilityBoundingSet');
      expect(settings.includes('User=flower')).toBe(name !== 'flower-context.service');
      expect(
        names.filter((one) => /^(Type|Exec|Restart|Timeout|Watchdog|Notify|Standard)/.test(one!)),
      ).toEqual([]);
    },
  );
});
