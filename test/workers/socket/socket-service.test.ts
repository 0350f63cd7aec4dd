/** The socket thread's resource between a store and a hub that answers everything: what it lets out. */
import { BroadcastChannel } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeLogin } from '#dist/project/login/login.js'
import { outboxPath } from '#dist/project/state-directory.js'
import { openSocketService } from '#dist/workers/socket/socket-service.js'
import type { Outbox } from '#dist/workers/store/outbox.js'
import type { SocketAnswer } from '../../../src/workers/socket/protocol.ts'
import type { SocketCommand } from '../../../src/workers/socket/protocol.ts'
import {
  HUB,
  PROJECT,
  appendNumbers,
  idOf,
  openOutbox,
  temporaryFolder,
} from '../../support/store-fixtures.ts'
import { Facts, ScriptedHub, TOKEN } from './scripted-hub.ts'

const CHANNEL = 'socket-service-test'

let hub: ScriptedHub
let facts: Facts
let outbox: Outbox
let channel: BroadcastChannel
let service: Awaited<ReturnType<typeof openSocketService>>
let batch: number

beforeEach(async () => {
  hub = await ScriptedHub.start({
    frame: ({ event_id: id }, peer) =>
      peer.send(JSON.stringify({ type: 'ack', event_id: id, status: 'accepted' })),
  })
  facts = new Facts()
  const state = temporaryFolder()
  writeLogin(state, { hub: hub.url, token: TOKEN, team_slug: 'harbour' })
  outbox = openOutbox({ path: outboxPath(state, PROJECT) })
  outbox.grantConsent(false)
  outbox.target(HUB)
  channel = new BroadcastChannel(CHANNEL)
  const input = { state, projectUuid: PROJECT, channel: CHANNEL }
  service = await openSocketService(input, facts.emit)
  batch = 0
})

afterEach(async () => {
  await service.close()
  channel.close()
  await hub.stop()
})

async function ask(command: SocketCommand): Promise<SocketAnswer | undefined> {
  return service.handle([command])[0]
}

async function connect(): Promise<void> {
  const greeted = facts.next('socket.snapshot')
  await ask({ type: 'socket.authenticate' })
  await ask({ type: 'socket.open' })
  await greeted
}

/** As the store thread and the drain do. */
async function deliver(claimed = outbox.claim(10)): Promise<SocketAnswer | undefined> {
  batch += 1
  channel.postMessage(claimed.numbered(batch))
  return ask({ type: 'socket.deliver', sink: 'events', batch, frames: [] })
}

it('sends what was claimed under the grant that the link was opened under', async () => {
  await connect()
  appendNumbers(outbox, 1, 2)
  expect(await deliver()).toMatchObject({ accepted: [idOf(1), idOf(2)], unanswered: 0 })
})

it('sends nothing that was claimed before an opt-out, though consent was given again (L12)', async () => {
  await connect()
  appendNumbers(outbox, 1)
  const claimed = outbox.claim(10)
  outbox.refuseConsent()
  outbox.grantConsent(false)
  expect(await deliver(claimed)).toMatchObject({ accepted: [], unanswered: 1 })
  appendNumbers(outbox, 2)
  expect(await deliver()).toMatchObject({ accepted: [], unanswered: 1 })
  expect(hub.frames).toEqual([])
  await connect()
  expect(await deliver()).toMatchObject({ accepted: [idOf(2)], unanswered: 0 })
  expect(hub.frames.map((frame) => frame['event_id'])).toEqual([idOf(2)])
})

it('sends nothing while consent is being sealed (L12)', async () => {
  await connect()
  appendNumbers(outbox, 1)
  const claimed = outbox.claim(10)
  outbox.freezeConsent()
  expect(await deliver(claimed)).toMatchObject({ accepted: [], unanswered: 1 })
  expect(hub.frames).toEqual([])
})
