/** Processes on one outbox: killed in mid-work again and again, and on a disk that ends. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'
import type { ListedEvent } from '#dist/workers/store/list-events.js'

import {
  NODE,
  PROJECT,
  openOutbox,
  rawDatabase,
  temporaryFolder,
} from '../../support/store-fixtures.ts'

const RACER = fileURLToPath(new URL('../../support/append-racer.mjs', import.meta.url))
const FILLER = fileURLToPath(new URL('../../support/append-filler.mjs', import.meta.url))
const OTHER_NODE = 'fedcba987654'
const PROCESSES = 8
const LIVES = 3

/**
 * Runs one process until it has acknowledged `count` events, then kills it; answers what it
 * acknowledged.
 */
async function liveAndDie(path: string, node: string, prefix: string, count: number) {
  const child = spawn(process.execPath, [RACER, path, PROJECT, node, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const acknowledged: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (/^\S{26} \d+$/.test(line)) acknowledged.push(line)
    if (acknowledged.length >= count) child.kill('SIGKILL')
  }
  await exited
  return acknowledged
}

it('loses no acknowledged event and never gives a clock value twice (L1, L9, L10)', async () => {
  const path = join(temporaryFolder(), 'outbox.db')
  const slots = Array.from({ length: PROCESSES }, async (_, slot) => {
    const acknowledged: string[] = []
    for (let life = 0; life < LIVES; life++) {
      const prefix = `01J${slot}${life}`
      const node = slot % 2 === 0 ? NODE : OTHER_NODE
      acknowledged.push(...(await liveAndDie(path, node, prefix, 40 + 13 * slot + 29 * life)))
    }
    return acknowledged
  })
  const acknowledged = (await Promise.all(slots)).flat()

  const outbox = openOutbox({ path })
  const rows: ListedEvent[] = []
  for (let page = outbox.list({}); page.length > 0;) {
    rows.push(...page)
    page = outbox.list({ after: rows.at(-1)?.sequence ?? 0 })
  }
  const events = rows.map(({ event }) => event)
  expect(events).not.toContain(null)
  expect(outbox.counts()).toMatchObject({ held: rows.length, pending: 0, quarantined: 0 })
  const stored = new Set(events.map((event) => `${event?.event_id} ${event?.lamport_clock}`))
  expect(acknowledged.length).toBeGreaterThan(PROCESSES * LIVES * 40)
  expect(acknowledged.filter((line) => !stored.has(line))).toEqual([])
  expect(new Set(events.map((event) => event?.event_id)).size).toBe(rows.length)
  for (const node of [NODE, OTHER_NODE]) {
    const clocks = events.flatMap((event) => (event?.node_id === node ? [event.lamport_clock] : []))
    expect(clocks.length).toBeGreaterThan(100)
    expect(clocks.every((clock, at) => at === 0 || clock > (clocks[at - 1] ?? 0))).toBe(true)
  }
  expect(rawDatabase(path).pragma('integrity_check', { simple: true })).toBe('ok')
})

it.skipIf(process.platform === 'win32')(
  'keeps what it acknowledged when a write fails, and believes nothing after it (L1)',
  () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const script = 'ulimit -f 1000; exec "$0" "$@"'
    const args = ['-c', script, process.execPath, FILLER, path, PROJECT, NODE]
    const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' })
    const lines = stdout.trim().split('\n')
    expect([lines.slice(-2), stderr]).toEqual([['OUTBOX_IO', 'OUTBOX_IO'], ''])
    const acknowledged = lines.slice(0, -2)
    expect(acknowledged.length).toBeGreaterThan(10)
    const stored = new Set(
      openOutbox({ path })
        .list({})
        .map((row) => row.event_id),
    )
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
  },
)
