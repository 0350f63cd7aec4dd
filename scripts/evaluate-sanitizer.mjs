#!/usr/bin/env node
// Prints recall, precision and F2 of the sanitizer over the synthetic evaluation set; --verbose lists what went wrong.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/events/sanitize-evaluation.test.ts'],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      SANITIZER_REPORT: process.argv.includes('--verbose') ? 'verbose' : 'table',
    },
  },
)
process.exit(status ?? 1)
