// Bugs, planted one at a time in a copy of the built program: each must be found by the tests that are named for it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNatsServer } from '../nats-server.mjs'
import { root, tool } from '../prepare.mjs'
import { writeTable } from './bug-table.mjs'
import { MUTATIONS } from './planted-bugs.mjs'

export { MUTATIONS }

const COPIED = [
  'dist',
  'src',
  'test',
  'scripts',
  'package.json',
  'vitest.config.ts',
  'tsconfig.json',
]
const TIMEOUT_MS = 300_000
/** A busy machine is no bug: what fails once is tried again. */
const RETRIES = 1
const WHOLE_RETRIES = 3
/** All of the tests, before any bug is planted. */
const WHOLE_TIMEOUT_MS = 1_200_000
/** Passed over where there is no nats-server. */
const OF_NATS = /^test\/hub\/nats\//
/** A bug may show itself by a wait without an end. */
const TEST_TIMEOUT_MS = 60_000

/** Those of these bugs whose tests can run here. */
export function findable(names) {
  if (findNatsServer() !== null) return names
  return names.filter((name) => !MUTATIONS[name].by.some((file) => OF_NATS.test(file)))
}

/**
 * Runs the tests of all, which must pass; then plants each of these bugs, and runs its tests.
 *
 * @returns `{ name, by, isCaught, seconds }` of each; `seconds` is the time to find
 * @throws Error where a bug has nowhere to be planted: the code that it changes is another one now
 */
export async function findAll(names, onFound = () => undefined) {
  const copy = new Copy()
  try {
    // Before anything is run: a bug that can't be planted any more is found at once.
    for (const [anchor] of names.flatMap((name) => MUTATIONS[name].edits)) copy.filesWith(anchor)
    const files = new Set(names.flatMap((name) => MUTATIONS[name].by))
    const status = await copy.test([...files], {
      timeoutMs: WHOLE_TIMEOUT_MS,
      stdio: 'inherit',
      retry: WHOLE_RETRIES,
    })
    if (status !== 0) throw new Error('the tests fail without any bug')
    const found = []
    for (const name of names) {
      const one = await find(copy, name)
      onFound(one)
      found.push(one)
    }
    return found
  } finally {
    copy.remove()
  }
}

async function find(copy, name) {
  const { by, edits } = MUTATIONS[name]
  const heal = edits.map(([anchor, replacement]) => copy.plant(anchor, replacement))
  try {
    const startedAt = performance.now()
    const status = await copy.test(by)
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    return { name, by, isCaught: status !== 0, seconds }
  } finally {
    for (const undo of heal.reverse()) undo()
  }
}

/** The package as it is built, elsewhere. */
class Copy {
  #folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-mutations-')))

  constructor() {
    for (const name of COPIED) {
      cpSync(join(root, name), join(this.#folder, name), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'))
  }

  /** `{ path, text }` of each module, and of the bundles that hold it. */
  filesWith(anchor) {
    const pattern = patternOf(anchor)
    const found = modulesIn(this.#folder).filter(({ text }) => pattern.test(text))
    if (found.length === 0) throw new Error(`nothing in dist says "${anchor}"`)
    return found
  }

  /** Answers what undoes it. */
  plant(anchor, replacement) {
    const changed = this.filesWith(anchor)
    for (const { path, text } of changed) {
      const planted = text.replace(patternOf(anchor), () => replacement)
      writeFileSync(path, planted)
    }
    return () => {
      for (const { path, text } of changed) writeFileSync(path, text)
    }
  }

  async test(files, { timeoutMs = TIMEOUT_MS, stdio = 'ignore', retry = RETRIES } = {}) {
    const times = ['--testTimeout', String(TEST_TIMEOUT_MS), '--retry', String(retry)]
    const options = ['--bail', '1', '--reporter', 'dot', ...times]
    const args = [tool('vitest'), 'run', ...options, ...files]
    const env = { ...process.env, KITTIWAKE_BUILT: '1' }
    delete env.NODE_V8_COVERAGE
    const child = spawn(process.execPath, args, { cwd: this.#folder, env, stdio })
    const timer = setTimeout(() => child.kill(), timeoutMs)
    const [status] = await once(child, 'close')
    clearTimeout(timer)
    return status
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function modulesIn(folder) {
  const dist = join(folder, 'dist')
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(dist, name))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}

/**
 * Names of bugs that don't have one place in the program as it is built now. With two, the one that is meant could go and leave
 * the bug where its tests never look.
 */
export function staleBugs() {
  // As `patternOf` has it, and quicker for so many.
  const plain = (text) => text.replaceAll(/\s+/g, ' ').replaceAll(/["`]/g, "'")
  // What is bundled stands in a module of its own, too.
  const modules = modulesIn(root).filter(({ path }) => !path.includes(`${sep}chunks${sep}`))
  const texts = modules.map(({ text }) => plain(text))
  const hasOnePlace = ([anchor]) =>
    texts.filter((text) => text.includes(plain(anchor))).length === 1
  return Object.keys(MUTATIONS).filter((name) => !MUTATIONS[name].edits.every(hasOnePlace))
}

/** The bundler indents and quotes in its own way. */
function patternOf(anchor) {
  const words = anchor.split(/\s+/).map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
  return new RegExp(words.join('\\s+').replaceAll(/['"]/g, '[\'"`]'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))

/** All of them, or those that are named; with `--write`, the table in docs/proofs.md says so from then on. */
async function main(args) {
  const isWritten = args.includes('--write')
  const named = args.filter((arg) => arg !== '--write')
  const given = named.length === 0 ? Object.keys(MUTATIONS) : named
  if (given.some((name) => !(name in MUTATIONS))) {
    console.error(
      `usage: mutations.mjs [--write] [NAME ...], of ${Object.keys(MUTATIONS).join(', ')}`,
    )
    process.exit(2)
  }
  const names = findable(given)
  for (const name of given.filter((one) => !names.includes(one))) {
    console.log(`${name}: not run, there is no nats-server`)
  }
  const found = await findAll(names, ({ name, by, isCaught, seconds }) => {
    console.log(`${name}: ${isCaught ? 'caught' : 'MISSED'} by ${by.join(' ')} in ${seconds} s`)
  })
  if (isWritten) writeTable(found, Object.keys(MUTATIONS))
  const missed = found.filter(({ isCaught }) => !isCaught)
  console.log(`mutations: ${found.length - missed.length} of ${found.length} caught`)
  if (missed.length > 0) process.exit(1)
}
