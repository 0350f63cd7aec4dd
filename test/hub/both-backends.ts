/** One hub on each backend. That on NATS is asked at another hub than the one whose folder holds what commands made. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveHub } from '#dist/hub/server.js'
import type { Hub } from '#dist/hub/server.js'
import { NatsProcess } from '../../scripts/nats-process.mjs'
import { findNatsServer } from '../../scripts/nats-server.mjs'

const PROGRAM = findNatsServer()
if (PROGRAM === null && process.env['REQUIRE_SHARED'] === '1') {
  throw new Error('there is no nats-server here; NATS_SERVER may name one')
}

/** Those that there are. */
export const BACKENDS: readonly string[] = PROGRAM === null ? ['sqlite'] : ['sqlite', 'nats']

export type Served = {
  readonly hub: Hub
  /** Where commands work. */
  readonly dataDir: string
  /** Of the server that hubs share. */
  readonly nats: string | null
  readonly stop: () => Promise<void>
}

export async function serveOn(backend: string): Promise<Served> {
  const folders = ['a', 'b', 'nats'].map(() => mkdtempSync(join(tmpdir(), 'kittiwake-hub-')))
  const [dataDir = '', other = '', folder = ''] = folders
  const server =
    backend === 'nats' ? await NatsProcess.start({ program: PROGRAM ?? '', folder }) : null
  const shared = server === null ? {} : { nats: { servers: server.url } }
  const hubs = [await serveHub({ dataDir, ...shared })]
  if (server !== null) hubs.unshift(await serveHub({ dataDir: other, ...shared }))
  const [hub] = hubs
  if (hub === undefined) throw new Error('no hub serves')
  return {
    hub,
    dataDir,
    nats: server?.url ?? null,
    stop: async () => {
      await Promise.all(hubs.map((one) => one.stop()))
      await server?.kill()
      for (const one of folders) rmSync(one, { recursive: true, force: true })
    },
  }
}
