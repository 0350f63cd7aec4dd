// Commands that move the data of a hub into NATS and out of it, as data for the sweeps; the server is no part of what dies.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventFaults, EVENTS, filled, HUB_DATABASE, hubFaults, strays } from './kill-hub.mjs'
import { done, newPath } from './kill-places.mjs'
import { NatsProcess } from './nats-process.mjs'
import { findNatsServer } from './nats-server.mjs'

const serving = new WeakMap()

/** As `APART`; none where there is no server. */
export const AT_NATS =
  findNatsServer() === null
    ? {}
    : {
        'hub migrate to NATS': {
          take: async (world) => ({ ...(await filled(world)), url: await emptyServer(world) }),
          args: (_, { data, url }) => toNats(data, url),
          next: ['the same'],
          check: async (world, { data, url }) => {
            const out = newPath(world, 'hub')
            await done(world, world.root, fromNats(out, url))
            return [
              ...eventFaults(join(out, HUB_DATABASE), EVENTS),
              ...(await hubFaults(world, data)),
              ...strays(data),
            ]
          },
        },
        'hub migrate from NATS': {
          take: async (world) => {
            const url = await emptyServer(world)
            const { data } = await filled(world)
            await done(world, world.root, toNats(data, url))
            return { data: newPath(world, 'hub'), url }
          },
          args: (_, { data, url }) => fromNats(data, url),
          next: ['the same'],
          refused: 'HUB_TARGET_NOT_EMPTY',
          // What has its name is whole, or somebody will serve a half.
          left: (_, { data }, document) => {
            const path = join(data, HUB_DATABASE)
            return document === null && !existsSync(path) ? [] : eventFaults(path, EVENTS)
          },
          check: async (world, { data }) => [
            ...eventFaults(join(data, HUB_DATABASE), EVENTS),
            ...(await hubFaults(world, data)),
            ...strays(data),
          ],
        },
      }

function toNats(data, url) {
  return ['hub', 'migrate', '--from', 'sqlite', '--to', 'nats', '--data', data, '--nats', url]
}

function fromNats(data, url) {
  return ['hub', 'migrate', '--from', 'nats', '--to', 'sqlite', '--data', data, '--nats', url]
}

/** The address of the world's server, whose stream holds nothing. */
async function emptyServer(world) {
  const { openNats, STREAM } = await import('../dist/hub/nats/connect.js')
  if (!serving.has(world)) serving.set(world, start(world))
  const { url } = await serving.get(world)
  const { manager, connection } = await openNats({ servers: url })
  await manager.streams.delete(STREAM)
  await connection.close()
  return url
}

async function start(world) {
  // Beside the world, of which all that changes is recorded.
  const folder = mkdtempSync(join(tmpdir(), 'kittiwake-swept-nats-'))
  const server = await NatsProcess.start({ program: findNatsServer(), folder })
  server.release()
  world.atEnd(() => {
    void server.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return server
}
