// Serves a hub in a process of its own, to be killed: `node serve-hub.mjs <data folder>`. Any line on its
// standard input is answered with the most memory that it ever had, in bytes.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { serveHub } from '#dist/hub/server.js'

const hub = await serveHub({ dataDir: process.argv[2] ?? '' })
process.stdout.write(`${JSON.stringify({ url: hub.url })}\n`)
createInterface({ input: process.stdin }).on('line', () => {
  process.stdout.write(`${mostMemory()}\n`)
})

/** Linux hands what `maxRSS` says on to who is started: there it would tell of the tests' own process. */
function mostMemory() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kb) * 1024
}
