import { takeCoverage } from 'node:v8'
import { configureGlobal } from 'fast-check'
import { afterAll } from 'vitest'

/** One seed for every run, so that a run says something about the change it checks; `npm run fuzz` tries others. */
configureGlobal({ seed: Number(process.env['KITTIWAKE_FUZZ_SEED'] ?? 20261121) })

// A fork is killed before V8 writes its coverage by itself.
afterAll(() => {
  if (process.env['NODE_V8_COVERAGE'] !== undefined) takeCoverage()
})
