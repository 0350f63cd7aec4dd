import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // The default leaves a core idle on a machine of two, and most tests wait for disks and processes.
    maxWorkers: 2,
    // Modules are loaded once for each of them, not once for each file; a test leaves nothing behind in its process.
    isolate: false,
    globalSetup: ['test/support/build-once.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\/dist\//] } },
  },
})
