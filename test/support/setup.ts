import { takeCoverage } from 'node:v8'
import { configureGlobal } from 'fast-check'
import { afterAll, expect } from 'vitest'

/** One seed for every run, so that a run says something about the change it checks; `npm run fuzz` tries others. */
configureGlobal({ seed: Number(process.env['KITTIWAKE_FUZZ_SEED'] ?? 20261121) })

/** Tests that run hundreds of programs. What those run is counted by the tests of its own. */
const UNCOUNTED = /[/\\]journeys[/\\]|-(crash|race)\.test\.ts$/

// A fork is killed before V8 writes its coverage by itself. It counts from its start on, whatever its children do.
if (process.env['NODE_V8_COVERAGE'] !== undefined) afterAll(() => takeCoverage())
if (UNCOUNTED.test(expect.getState().testPath ?? '')) delete process.env['NODE_V8_COVERAGE']
