import { execFileSync } from 'node:child_process'

/** Threads are tested as built: the build runs before any test unless the caller has just done it. */
export default function setup(): void {
  if (process.env['KITTIWAKE_BUILT'] === '1') return
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
}
