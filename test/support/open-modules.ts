import { readdirSync, readlinkSync } from 'node:fs'

/**
 * The modules that are open in this process, each with its descriptor. Linux alone says so. What a thread is reading is
 * open for a moment; what one that was terminated while it read is open for as long as the process lives.
 */
export function openModules(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return /\.[cm]?js$/.test(target) ? [`${fd} ${target}`] : []
    } catch {
      return []
    }
  })
}
