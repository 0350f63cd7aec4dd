// A Redis that writes each command to its disk before it answers, on a socket of the file system that nobody else reaches.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram, installPackage } from '../scripts/debian.mjs'

const ASK_AGAIN_MS = 20
const SETTINGS = ['--port', '0', '--save', '', '--appendonly', 'yes', '--appendfsync', 'always']

export class RedisProcess {
  #child = null
  /** Why there is none; null where it runs. */
  reason = null

  /** @param {string} folder for its data */
  static async start(folder, { mayInstall }) {
    const redis = new RedisProcess()
    redis.path = join(folder, 'socket')
    const program = find(mayInstall)
    if (program === null) redis.reason = 'there is no redis-server'
    else await redis.#start(program, folder)
    return redis
  }

  async #start(program, folder) {
    mkdirSync(folder, { recursive: true })
    const place = ['--dir', folder, '--unixsocket', this.path, '--unixsocketperm', '700']
    const child = spawn(program, [...SETTINGS, ...place], { stdio: 'ignore' })
    this.#child = child
    while (!(await answers(this.path))) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
      await sleep(ASK_AGAIN_MS)
    }
  }

  async end() {
    if (this.#child === null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

function find(mayInstall) {
  const found = findProgram('redis-server')
  if (found !== null || !mayInstall) return found
  const purpose = 'the bench of durable queues'
  const without = 'ours is not compared with Redis and BullMQ.'
  installPackage({ name: 'redis-server', purpose, without })
  return findProgram('redis-server')
}

function answers(path) {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
