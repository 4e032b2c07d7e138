// The last line of a run, plain enough for any program to read: `12 passed, 0 failed` (`, 1 skipped` when some were).
import type { Reporter, TestModule } from 'vitest/node';

export default class PlainCount implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++;
      // A file that could not be loaded, or whose hooks failed, is a failure although no test of it says so.
      const broken =
        module.state() === 'failed' &&
        ![...module.children.allTests()].some((test) => test.result().state === 'failed');
      if (broken) count.failed++;
    }
    const skipped = count.skipped + count.pending;
    // After every other reporter's summary, which the default one prints in the same event.
    process.once('exit', () => {
      process.stdout.write(
        `${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
      );
    });
  }
}
