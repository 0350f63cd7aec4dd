import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Short texts that take long, since they run programs: one of them left for the end would keep one core waiting. And to
 * start one costs the less, the less memory the process of the tests has come to hold.
 */
const LONG = /[/\\](?:journeys|scripts|workers[/\\]git)[/\\]/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // The default leaves a core idle on a machine of two, and most tests wait for disks and processes.
    maxWorkers: 2,
    // Modules are loaded once for each of them, not once for each file; a test leaves nothing behind in its process.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/support/build-once.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\/dist\//] } },
  },
})
