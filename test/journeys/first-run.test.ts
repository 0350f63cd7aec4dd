/** The first run proves the promises by itself; a hub that breaks one must not get past it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestHub, TestMachine } from '../support/test-machine.ts'

const FIRST_RUN = join(import.meta.dirname, '../../scripts/first-run.mjs')
const PROMISES = 14
const DELIVERY = 'every receipted event is at the hub exactly once'

const machine = new TestMachine()
afterAll(() => machine.close())

type Outcome = { readonly code: number | string | null; readonly out: string }

/** What a first run may take on a slow machine. */
const TIMEOUT_MS = 180_000

let honest: Outcome
let sabotaged: Outcome
beforeAll(async () => {
  // Side by side: each waits for processes and disks most of its time.
  const dataDir = await sabotage()
  const runs = [firstRun(['--short']), firstRun(['--short', '--hub-data', dataDir])] as const
  ;[honest, sabotaged] = await Promise.all(runs)
}, TIMEOUT_MS)

it('ends with 0 and shows each promise with what was checked', () => {
  const { code, out } = honest
  expect({ code, broken: linesOf(out, 'BROKEN') }).toEqual({ code: 0, broken: [] })
  const kept = linesOf(out, 'kept')
  expect(kept).toHaveLength(PROMISES)
  for (const line of kept) expect(line).toMatch(/^kept\s+\S.* \(.+\)$/)
  expect(out).toContain(`${PROMISES} of ${PROMISES} promises kept`)
})

it('fails and names the promise when the hub drops one event that it acknowledged', () => {
  const { code, out } = sabotaged
  expect(code).toBe(1)
  expect(linesOf(out, 'BROKEN')).toEqual([expect.stringContaining(`BROKEN  ${DELIVERY}`)])
  expect(linesOf(out, 'BROKEN')[0]).toContain('1 missing')
})

/** A data folder whose hub acknowledges the event with clock 50 and then forgets it. */
async function sabotage(): Promise<string> {
  const hub = await new TestHub(machine, 'sabotaged').start()
  await hub.kill()
  const database = new Database(join(hub.dataDir, 'hub.db'))
  database.exec(
    `CREATE TRIGGER forget AFTER INSERT ON events WHEN NEW.lamport_clock = 50
     BEGIN DELETE FROM events WHERE seq = NEW.seq; END`,
  )
  database.close()
  return hub.dataDir
}

async function firstRun(args: readonly string[]): Promise<Outcome> {
  // Without `start.mjs`, which would build under the feet of the other tests.
  const code = `const { firstRun } = await import(${JSON.stringify(FIRST_RUN)})
    process.exitCode = await firstRun(process.argv.slice(1))`
  const evaluated = ['--input-type=module', '-e', code, '--', '--once', ...args]
  const child = spawn(process.execPath, evaluated, { cwd: machine.folder, stdio: 'pipe' })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
  }
  const [exit, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code: exit ?? signal, out }
}

function linesOf(out: string, word: string): string[] {
  return out.split('\n').filter((line) => line.startsWith(word))
}
