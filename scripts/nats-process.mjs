// One nats-server on a loopback port with a store folder of its own, to be ended and started again.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class NatsProcess {
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null

  /** @param {{ program: string, folder: string, port: number, args?: string[] }} place */
  constructor({ program, folder, port, args = [] }) {
    this.program = program
    this.folder = folder
    this.port = port
    this.args = args
  }

  /** @param {{ program: string, folder: string, args?: string[] }} place */
  static async start({ program, folder, args = [] }) {
    const server = new NatsProcess({ program, folder, port: await freePort(), args })
    await server.start()
    return server
  }

  get url() {
    return `nats://127.0.0.1:${this.port}`
  }

  async start() {
    const own = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.folder]
    const child = spawn(this.program, [...own, ...this.args], { stdio: 'ignore' })
    this.#child = child
    for (;;) {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
      if (await answers(this.port)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** It holds nobody up who started it. */
  release() {
    this.#child?.unref()
  }

  /** Not to end it, but to hold it up for a while. */
  signal(signal) {
    this.#child?.kill(signal)
  }

  /** As by a power cut of its process. */
  async kill(signal = 'SIGKILL') {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  /** For good. */
  async end() {
    await this.kill()
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
