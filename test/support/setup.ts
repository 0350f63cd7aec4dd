import { devNull } from 'node:os'
import { takeCoverage } from 'node:v8'
import { configureGlobal } from 'fast-check'
import { afterAll, expect } from 'vitest'

/** One seed for every run, so that a run says something about the change it checks; `npm run fuzz` tries others. */
configureGlobal({ seed: Number(process.env['KITTIWAKE_FUZZ_SEED'] ?? 20261121) })

// A process that outlives the test that started it would meet the next one; tests of the background say otherwise.
process.env['KITTIWAKE_AUTO_START'] ??= '0'

/** Where the folder of the coverage waits while a file is run whose programs and threads aren't counted. */
const UNUSED_FOLDER = 'KITTIWAKE_UNUSED_COVERAGE'
/**
 * Tests whose programs and threads are counted too, because what they run is run nowhere else. What other tests have
 * run as programs is counted where its parts are tested: doing so twice cost a sixth of the time of every program.
 */
const COUNTED = /[/\\]cli[/\\](?:clean-output|contracts|machines)\.test\.ts$/

// A fork is killed before V8 writes its coverage by itself. It counts from its start on, whatever its children do.
const folder = process.env['NODE_V8_COVERAGE'] ?? process.env[UNUSED_FOLDER]
if (folder !== undefined) {
  afterAll(() => takeCoverage())
  const isCounted = COUNTED.test(expect.getState().testPath ?? '')
  const [used, unused] = isCounted
    ? ['NODE_V8_COVERAGE', UNUSED_FOLDER]
    : [UNUSED_FOLDER, 'NODE_V8_COVERAGE']
  process.env[used] = folder
  delete process.env[unused]
}

// Each program would read and parse all of them before its first line; a test that needs an authority brings its own.
delete process.env['NODE_EXTRA_CA_CERTS']

// Whoever runs the tests may have their commits signed.
process.env['GIT_CONFIG_GLOBAL'] = devNull
process.env['GIT_CONFIG_NOSYSTEM'] = '1'
