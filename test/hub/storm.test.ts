import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createToken } from '#dist/hub/access/tokens.js'
import {
  batchOf,
  newEvent,
  newTicket,
  postBatch,
  readAll,
  spawnMeasuredHub,
  temporaryFolder,
} from './support.ts'
import type { MeasuredHub, TestEvent } from './support.ts'

const MIB = 1024 * 1024
const PARTS = 2

type Kind = 'follower' | 'plain'

async function connect(hub: MeasuredHub, token: string): Promise<WebSocket> {
  const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
  const socket = new WebSocket(ws_url, { headers: { Authorization: `Bearer ${ws_token}` } })
  socket.on('error', () => {})
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

/** Sends array frames until the last is acknowledged; who was closed for reading too slowly comes back at once. */
async function deliver(
  hub: MeasuredHub,
  token: string,
  kind: Kind,
  project_uuid: string,
  parts: readonly (readonly TestEvent[])[],
): Promise<void> {
  for (;;) {
    const socket = await connect(hub, token)
    const done = new Promise<boolean>((resolve) => {
      socket.on('close', () => resolve(false))
      socket.on('message', (data) => {
        const head = (data as Buffer).toString('utf8', 0, 40)
        if (head.startsWith(`{"type":"acks","through":${PARTS},`)) resolve(true)
      })
    })
    if (kind === 'follower') socket.send(JSON.stringify({ type: 'subscribe', project_uuid }))
    for (const [index, part] of parts.entries()) socket.send(batchOf(index + 1, part))
    if (await done) return
  }
}

describe('a storm', () => {
  it('of 50 connections that send and are shown all, some of them silent, stays below 256 MiB', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const hub = await spawnMeasuredHub(dataDir)
    const { project_uuid } = newEvent()
    const payload = { text: 'x'.repeat(1_000) }
    const newPart = () => Array.from({ length: 20 }, () => newEvent({ project_uuid, payload }))
    const first = newPart()
    await postBatch(hub, token, { events: first })
    for (const silent of await Promise.all(Array.from({ length: 10 }, () => connect(hub, token)))) {
      silent.pause()
    }
    const senders = Array.from({ length: 40 }, () => Array.from({ length: PARTS }, newPart))
    const posts = Array.from({ length: 4 }, newPart)
    await Promise.all([
      ...senders.map((parts, index) =>
        deliver(hub, token, index < 10 ? 'follower' : 'plain', project_uuid, parts),
      ),
      ...posts.map((events) => postBatch(hub, token, { events })),
    ])
    const rows = await readAll(hub, token, project_uuid, 1_000)
    const sent = [first, ...senders.flat(), ...posts].flat().map(({ event_id }) => event_id)
    expect(rows.map(({ event }) => event.event_id).toSorted()).toEqual(sent.toSorted())
    const peak = await hub.rss()
    console.log(
      `storm: 50 connections, ${rows.length} events, hub at most ${Math.round(peak / MIB)} MiB`,
    )
    expect(peak).toBeLessThan(256 * MIB)
  })
})
