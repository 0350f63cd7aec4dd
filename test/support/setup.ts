import { devNull } from 'node:os'
import { takeCoverage } from 'node:v8'
import { configureGlobal } from 'fast-check'
import { afterAll, expect } from 'vitest'

/** One seed for every run, so that a run says something about the change it checks; `npm run fuzz` tries others. */
configureGlobal({ seed: Number(process.env['KITTIWAKE_FUZZ_SEED'] ?? 20261121) })

// A process that outlives the test that started it would meet the next one; tests of the background say otherwise.
process.env['KITTIWAKE_AUTO_START'] ??= '0'

/** Where the folder of the coverage waits while a file is run that isn't counted. */
const UNUSED_FOLDER = 'KITTIWAKE_UNUSED_COVERAGE'
/** Tests that run hundreds of programs. What those run is counted by the tests of its own. */
const UNCOUNTED = /[/\\]journeys[/\\]|-(crash|race)\.test\.ts$/

// A fork is killed before V8 writes its coverage by itself. It counts from its start on, whatever its children do.
const folder = process.env['NODE_V8_COVERAGE'] ?? process.env[UNUSED_FOLDER]
if (folder !== undefined) {
  afterAll(() => takeCoverage())
  const isUncounted = UNCOUNTED.test(expect.getState().testPath ?? '')
  const [used, unused] = isUncounted
    ? [UNUSED_FOLDER, 'NODE_V8_COVERAGE']
    : ['NODE_V8_COVERAGE', UNUSED_FOLDER]
  process.env[used] = folder
  delete process.env[unused]
}

// Whoever runs the tests may have their commits signed.
process.env['GIT_CONFIG_GLOBAL'] = devNull
process.env['GIT_CONFIG_NOSYSTEM'] = '1'
