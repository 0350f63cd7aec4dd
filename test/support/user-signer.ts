/** What a user's own configuration says of signing, in a home of its own, with programs that stand in for theirs. */
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Signs whatever it is given, as git expects it of gpg. */
export const SIGNS = `cat > /dev/null
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nc2lnbmVk\\n-----END PGP SIGNATURE-----\\n'
printf '\\n[GNUPG:] SIG_CREATED D\\n' >&2`

export class UserSigner {
  readonly folder: string
  readonly #before = process.env['GIT_CONFIG_GLOBAL']

  /** Commits are signed by a program that does `script`, if no other configuration is given. */
  constructor(script = SIGNS) {
    this.folder = mkdtempSync(join(realpathSync(tmpdir()), 'kittiwake-signer-'))
    const program = this.program('signer', script)
    this.configure(`[commit]\ngpgSign\n[user]\nsigningKey = ABCD\n[gpg]\nprogram = ${program}\n`)
  }

  /** A program that tells that it ran, whatever else it does. */
  program(name: string, script: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, `#!/bin/sh\ntouch '${path}.ran'\n${script}\n`)
    chmodSync(path, 0o755)
    return path
  }

  hasRun(name: string): boolean {
    return existsSync(join(this.folder, `${name}.ran`))
  }

  /** The user's own configuration from now on. */
  configure(text: string): void {
    const path = join(this.folder, 'gitconfig')
    writeFileSync(path, text)
    process.env['GIT_CONFIG_GLOBAL'] = path
  }

  remove(): void {
    process.env['GIT_CONFIG_GLOBAL'] = this.#before
    rmSync(this.folder, { recursive: true, force: true })
  }
}
