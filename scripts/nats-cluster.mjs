// Three nats-servers on loopback ports that keep a stream together, of which the one that leads can be lost with its disk.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openNats, STREAM } from '#dist/hub/nats/connect.js'
import { freePort, NatsProcess } from './nats-process.mjs'

const SIZE = 3
const ASK_AGAIN_MS = 50

export class NatsCluster {
  /** @param {{ program: string, folder: string }} place */
  static async start({ program, folder }) {
    const cluster = new NatsCluster()
    const taken = new Set()
    while (taken.size < 3 * SIZE) taken.add(await freePort())
    const ports = [...taken]
    const routes = ports.slice(0, SIZE).map((port) => `nats://127.0.0.1:${port}`)
    cluster.members = routes.map((route, at) => {
      const name = `n${at}`
      const health = ports[2 * SIZE + at]
      const args = ['--name', name, '--cluster_name', 'kittiwake', '--cluster', route]
      args.push('--routes', routes.join(','), '--http_port', String(health))
      const server = new NatsProcess({
        program,
        folder: join(folder, name),
        port: ports[SIZE + at],
        args,
      })
      return { name, server, health: `http://127.0.0.1:${health}/healthz` }
    })
    await Promise.all(cluster.members.map(({ server }) => server.start()))
    await cluster.whole()
    return cluster
  }

  /** @type {{ name: string, server: NatsProcess, health: string }[]} */
  members = []
  /** @type {NatsProcess | null} */
  #lost = null

  get servers() {
    return this.members.map(({ server }) => server)
  }

  get url() {
    return this.servers.map(({ url }) => url).join(',')
  }

  /** Resolves when each says that it has all that the others have. */
  async whole() {
    for (const { health } of this.members) {
      while ((await fetch(health).catch(() => null))?.status !== 200) await sleep(ASK_AGAIN_MS)
    }
  }

  /** The server that leads the stream ends as by a power cut, and its disk is gone. */
  async kill() {
    const { connection, manager } = await openNats({ servers: this.url, replicas: SIZE })
    const { cluster } = await manager.streams.info(STREAM)
    await connection.close()
    const lost = this.members.find(({ name }) => name === cluster?.leader)?.server
    if (lost === undefined) throw new Error('the stream has no leader')
    await lost.kill()
    rmSync(lost.folder, { recursive: true, force: true })
    this.#lost = lost
  }

  /** The one that was lost comes back with nothing. Resolves when it has got all from the others. */
  async start() {
    await this.#lost?.start()
    await this.whole()
  }

  async end() {
    await Promise.all(this.servers.map((server) => server.kill()))
  }
}
