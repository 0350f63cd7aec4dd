// Starts a hub in a process of its own, so that what it takes is not taken from whoever measures it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('hub-process.mjs', import.meta.url))

/** `kind` is `embedded`, `raw`, or `nats` with the servers. Answers `{ url, token, tokens, memory, kept, end }`. */
export async function serve(folder, kind, servers = '') {
  const child = spawn(
    process.execPath,
    ['--expose-gc', PROGRAM, join(folder, kind), kind, servers],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const { url, tokens } = JSON.parse(String((await once(child.stdout, 'data'))[0]))
  const end = async () => {
    child.stdin.end()
    await once(child, 'close')
  }
  const kept = async () => {
    child.stdin.write('kept')
    return Number((await once(child.stdout, 'data'))[0])
  }
  return { url, tokens, token: tokens[0], memory: () => memoryOf(child.pid), kept, end }
}

/** Resident bytes; null where the system does not say. */
export function memoryOf(pid) {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Number(kilobytes) * 1_024
  } catch {
    return null
  }
}
