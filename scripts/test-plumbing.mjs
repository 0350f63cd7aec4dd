#!/usr/bin/env node
// `npm run test:plumbing`: every test of the git worker in repositories of SHA-256, and all that `npm test` tries a slice of.
import { prepare, root, run, tool } from './prepare.mjs'

prepare()
process.chdir(root)
Object.assign(process.env, {
  KITTIWAKE_BUILT: '1',
  KITTIWAKE_OBJECT_FORMAT: 'sha256',
  ALL_ROWS: '1',
})
run(process.execPath, [tool('vitest'), 'run', 'test/workers/git', ...process.argv.slice(2)])
