import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createToken } from '#dist/hub/access/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import type { Hub } from '#dist/hub/server.js'
import { frameOf, newEvent, newTicket, openLink, readAll, temporaryFolder } from './support.ts'
import { WebSocket } from 'ws'
import { TestLink } from './support.ts'
import type { TestEvent } from './support.ts'

const SERVE = fileURLToPath(new URL('serve-hub.mjs', import.meta.url))

async function spawnHub(dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [SERVE, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return { child, url: (JSON.parse(line) as { url: string }).url }
}

async function epochOf(hub: { readonly url: string }, token: string): Promise<unknown> {
  const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
  const headers = { Authorization: `Bearer ${ws_token}` }
  const link = new TestLink(new WebSocket(ws_url, { headers }))
  const { epoch } = await link.next()
  link.socket.close()
  return epoch
}

describe('durability', () => {
  it('holds every acknowledged event exactly once, whenever it is killed (I24)', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const project_uuid = randomUUID()
    let clock = 0
    const acked: string[] = []
    let unanswered: TestEvent[] = []
    for (const killAfter of [1, 7, 100, 333, 1_024, 1_500]) {
      const { child, url } = await spawnHub(dataDir)
      const link = await openLink({ url }, token)
      const fresh = Array.from({ length: 2_000 - unanswered.length }, () =>
        newEvent({ project_uuid, lamport_clock: ++clock }),
      )
      const batch = [...unanswered, ...fresh]
      link.send(...batch.map(frameOf))
      const acks = await link.take(killAfter)
      child.kill('SIGKILL')
      await once(child, 'exit')
      acked.push(...acks.map((frame) => String(frame['event_id'])))
      unanswered = batch.slice(killAfter)
    }
    const hub = await serveHub({ dataDir })
    onTestFinished(() => hub.stop())
    const stored = (await readAll(hub, token, project_uuid)).map(({ event }) => event)
    const ids = stored.map(({ event_id }) => event_id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(acked.filter((id) => !ids.includes(id))).toEqual([])
    const clocks = stored.map((event) => Number(event['lamport_clock']))
    expect(clocks).toEqual(clocks.toSorted((a, b) => a - b))
  })

  it('writes with synchronous=FULL through a write-ahead log after every open', async () => {
    const dataDir = temporaryFolder()
    const { openDatabase } = await import('#dist/hub/data/database.js')
    for (let open = 0; open < 2; open++) {
      const database = openDatabase(dataDir, { busyTimeoutMs: 1_000 })
      expect(database.pragma('synchronous', { simple: true })).toBe(2)
      expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
      expect(database.pragma('trusted_schema', { simple: true })).toBe(0)
      expect(database.pragma('cell_size_check', { simple: true })).toBe(1)
      database.close()
    }
  })

  it('leaves out a row whose bytes no longer match their checksum, and says so', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const hub = await serveHub({ dataDir })
    onTestFinished(() => hub.stop())
    const events = [1, 2, 3].map((lamport_clock) =>
      newEvent({ lamport_clock, project_uuid: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa' }),
    )
    const link = await openLink(hub, token)
    link.send(...events.map(frameOf))
    await link.take(3)
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`UPDATE events SET body = replace(body, 'WP01', 'WP99') WHERE seq = 2`)
    database.close()
    const url = `${hub.url}/api/v1/events?project_uuid=${events[0]?.project_uuid}`
    const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } })
    const body = (await response.json()) as { events: { seq: number }[] }
    expect(body).toMatchObject({ damaged: [2], next: 3 })
    expect(body.events.map(({ seq }) => seq)).toEqual([1, 3])
  })
})

describe('the epoch', () => {
  async function serveAndSend(dataDir: string, token: string): Promise<Hub> {
    const hub = await serveHub({ dataDir })
    const link = await openLink(hub, token)
    link.send(frameOf(newEvent()))
    await link.take(1)
    return hub
  }

  it('stays over a restart and over a kill', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const first = await serveAndSend(dataDir, token)
    const epoch = await epochOf(first, token)
    await first.stop()
    const { child, url } = await spawnHub(dataDir)
    expect(await epochOf({ url }, token)).toBe(epoch)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const third = await serveHub({ dataDir })
    onTestFinished(() => third.stop())
    expect(await epochOf(third, token)).toBe(epoch)
  })

  it('changes when an older copy of the database is put back, and numbers go on above', async () => {
    const dataDir = temporaryFolder()
    const path = join(dataDir, 'hub.db')
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const first = await serveAndSend(dataDir, token)
    const epoch = await epochOf(first, token)
    await first.stop()
    copyFileSync(path, join(dataDir, 'backup'))
    await (await serveAndSend(dataDir, token)).stop()
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
    copyFileSync(join(dataDir, 'backup'), path)
    const restored = await serveHub({ dataDir })
    onTestFinished(() => restored.stop())
    expect(await epochOf(restored, token)).not.toBe(epoch)
    const event = newEvent()
    const link = await openLink(restored, token)
    link.send(frameOf(event))
    await link.take(1)
    expect((await readAll(restored, token, event.project_uuid)).map(({ seq }) => seq)).toEqual([3])
  })

  it('changes when the database is lost, and not when only the mark is', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const first = await serveAndSend(dataDir, token)
    const epoch = await epochOf(first, token)
    await first.stop()
    writeFileSync(join(dataDir, 'hub.mark'), '\0\0{torn')
    const second = await serveHub({ dataDir })
    expect(await epochOf(second, token)).toBe(epoch)
    await second.stop()
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(dataDir, `hub.db${suffix}`), { force: true })
    const next = createToken({ dataDir, team: 'acme', user: 'sam' })
    const third = await serveHub({ dataDir })
    onTestFinished(() => third.stop())
    expect(await epochOf(third, next)).not.toBe(epoch)
  })
})
