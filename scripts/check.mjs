#!/usr/bin/env node
// Every check but the tests: types, lint, format, dead code, package shape, licences, drawings, documents.
import { spawnSync } from 'node:child_process'
import { prepare, root, tool } from './prepare.mjs'

if (process.env.KITTIWAKE_BUILT !== '1') prepare()

const LICENCES = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'Python-2.0',
  'CC0-1.0',
  'CC-BY-4.0',
  '(MIT OR CC0-1.0)',
  '(MIT OR WTFPL)',
  '(BSD-2-Clause OR MIT OR Apache-2.0)',
  '(MIT AND Zlib)',
  '(MIT AND BSD-3-Clause)',
  'MIT*',
  '(MIT OR Apache-2.0)',
]

const failed = []
step('types of the tests', 'tsc', ['-p', 'tsconfig.test.json'])
step('lint', 'oxlint', ['--type-aware', '--deny-warnings'])
step('format', 'oxfmt', ['--check', '.'])
step('dead code and dependencies', 'knip', [])
step('package shape', 'publint', ['--strict', '--level', 'suggestion'])
step('package types', 'attw', ['--pack', '.', '--profile', 'esm-only', '--quiet'])
step('licences', 'license-checker-rseidelsohn', [
  '--production',
  '--excludePrivatePackages',
  '--onlyAllow',
  LICENCES.join(';'),
  '--summary',
])
step('drawings', null, ['scripts/draw-machines.mjs', '--check'])
step('wire documents', null, ['scripts/describe-wire.mjs', '--check'])

if (failed.length > 0) {
  console.error(`check: ${failed.join(', ')} failed`)
  process.exit(1)
}

/** All of them are run, so that one fault doesn't hide the next. */
function step(name, command, args) {
  const started = performance.now()
  const script = command === null ? [] : [tool(command)]
  const stdio = ['ignore', 'inherit', 'inherit']
  const { status, error } = spawnSync(process.execPath, [...script, ...args], { cwd: root, stdio })
  if (error !== undefined) throw error
  if (status !== 0) failed.push(name)
  const outcome = status === 0 ? 'ok' : 'FAILED'
  console.log(`check: ${name} ${outcome} (${Math.round(performance.now() - started)} ms)`)
}
