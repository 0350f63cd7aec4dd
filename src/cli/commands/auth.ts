import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT, LinkError, UsageError } from '../../errors.ts'
import type { LoginReading } from '../../project/login/login.ts'
import type { TokenStore } from '../../project/login/token-store.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { readTextArgument } from '../input.ts'
import { resultOf } from './doctor.ts'

export class AuthLoginCommand extends KittiwakeCommand {
  static override paths = [['auth', 'login']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Login',
    description: 'Log in to a hub; inside a project this also consents to sync it',
    details: 'The token comes from a file or from standard input, never from a flag.',
    examples: [
      ['From a file', 'kittiwake auth login --hub http://127.0.0.1:4180 --token-file token'],
      ['Without consent', 'kittiwake auth login --hub URL --token-file - --no-opt-in'],
    ],
  })

  hub = Option.String('--hub', { required: true, description: 'https URL, or http on loopback' })
  tokenFile = Option.String('--token-file', {
    required: true,
    description: 'A file, or - for stdin',
  })
  tokenStore = Option.String('--token-store', 'auto', {
    description: 'auto (keyring where there is one), file, keyring, or kernel until a restart',
  })
  noOptIn = Option.Boolean('--no-opt-in', false, {
    description: 'Do not consent to sync this project',
  })

  override get safety(): Safety {
    return this.noOptIn ? 'safe' : 'unsafe'
  }

  async run(): Promise<Result> {
    const { parseHubUrl } = await import('../../project/login/hub-url.ts')
    const { isToken, readLogin, writeLogin } = await import('../../project/login/login.ts')
    const { verifyLogin } = await import('../../project/login/verify-login.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const hub = parseHubUrl(this.hub)
    const tokenStore = await chooseStore(this.tokenStore)
    const source = this.tokenFile === '-' ? '-' : `@${this.tokenFile}`
    const token = (await readTextArgument(source, this.context)).trim()
    if (!isToken(token)) {
      throw new UsageError('TOKEN_INVALID', 'the token file holds no token', {
        hint: 'Create one with `kittiwake hub token create --team T --user U`.',
      })
    }
    const state = stateDirectory(process.env)
    const before = readLogin(state)
    const { team_slug } = await verifyLogin({ hub, token, signal: this.context.signal })
    // One that is stored while the hub is asked is newer than this one.
    const replaces = before.state === 'unusable' ? {} : { replaces: idOf(before) }
    writeLogin(state, { hub, token, team_slug }, { tokenStore, ...replaces })
    const consent = this.noOptIn ? null : await this.#consent()
    const granted = consent?.state === 'granted'
    return {
      fields: {
        hub,
        team_slug,
        token_store: tokenStore,
        opted_in: granted,
        covered: consent?.covered ?? 0,
      },
      text: [
        `Logged in to ${hub} as team ${team_slug}.`,
        ...(granted
          ? [
              `This project now syncs; ${counted(consent.covered, 'event recorded before is', 'events recorded before are')} included.`,
            ]
          : []),
        ...(consent?.state === 'refused'
          ? ['This project has refused to sync and stays so; see `kittiwake sync opt-in`.']
          : []),
      ].join('\n'),
    }
  }

  /** Consent where the current folder is a project, null elsewhere. A refusal is not undone by a login. */
  async #consent() {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { identityOrNull } = await import('../../project/identity.ts')
    try {
      const repository = await locateRepository(this.context.cwd)
      if ((await identityOrNull(repository)) === null) return null
    } catch {
      // A login outside of any project is complete as it is.
      return null
    }
    return this.withRuntime(async (runtime) => {
      // Opens the outbox for writing: one of an older version can't be looked at before.
      await runtime.adopt()
      const { consent } = await runtime.status()
      return consent === 'refused'
        ? { state: consent, covered: 0 }
        : runtime.sync.optIn({ fromNow: false })
    })
  }
}

/** @throws UsageError TOKEN_STORE, LinkError TOKEN_STORE_UNUSABLE */
async function chooseStore(wanted: string): Promise<TokenStore> {
  const { isUsable } = await import('../../project/login/token-store.ts')
  if (wanted === 'auto') return isUsable('keyring') ? 'keyring' : 'file'
  if (wanted !== 'file' && wanted !== 'keyring' && wanted !== 'kernel') {
    throw new UsageError('TOKEN_STORE', 'a token is kept in a file, a keyring or the kernel', {
      hint: 'Name auto, file, keyring or kernel.',
    })
  }
  if (isUsable(wanted)) return wanted
  throw new LinkError('TOKEN_STORE_UNUSABLE', `the ${wanted} can't keep a token here`, {
    hint: 'Unlock it, or leave `--token-store` out.',
  })
}

function idOf(reading: LoginReading): string | null {
  return reading.state === 'present' ? reading.login.id : null
}

export class AuthStatusCommand extends KittiwakeCommand {
  static override paths = [['auth', 'status']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Login',
    description: 'Show the stored login, without asking the hub',
    examples: [['The login', 'kittiwake auth status']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { readLogin } = await import('../../project/login/login.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const reading = readLogin(stateDirectory(process.env))
    if (reading.state === 'unusable') throw reading.error
    if (reading.state === 'absent') {
      return {
        fields: { authenticated: false, hub: null, team_slug: null, token_store: null },
        text: 'Not logged in. Run `kittiwake auth login --hub URL --token-file FILE`.',
        exit: EXIT.notAuthenticated,
      }
    }
    const { hub, team_slug, token_store } = reading.login
    return {
      fields: { authenticated: true, hub, team_slug, token_store },
      text: `Logged in to ${hub} as team ${team_slug}.`,
    }
  }
}

export class AuthWhoamiCommand extends KittiwakeCommand {
  static override paths = [['auth', 'whoami']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Login',
    description: 'Ask the hub who you are to it',
    examples: [['Who am I', 'kittiwake auth whoami']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { openLogin } = await import('../../project/login/login.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const { verifyLogin } = await import('../../project/login/verify-login.ts')
    const reading = openLogin(stateDirectory(process.env))
    if (reading.state === 'unusable') throw reading.error
    if (reading.state === 'absent') {
      throw new LinkError('NOT_AUTHENTICATED', 'there is no login', {
        hint: 'Run `kittiwake auth login --hub URL --token-file FILE`.',
      })
    }
    const { hub, token } = reading.login
    const found = await verifyLogin({ hub, token, signal: this.context.signal })
    const until = found.expires_at === null ? '' : `, until ${found.expires_at}`
    return {
      fields: { hub, ...found },
      text: `${found.user} of team ${found.team_slug} at ${hub}${until}`,
    }
  }
}

export class AuthDoctorCommand extends KittiwakeCommand {
  static override paths = [['auth', 'doctor']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Login',
    description: 'Check the login, its token and the hub; reads only',
    details: `Exit code ${EXIT.failed} says that something needs mending; each line says what.`,
    examples: [['Check', 'kittiwake auth doctor']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { checkLogin } = await import('../../doctor/check-login.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    return resultOf(await checkLogin(stateDirectory(process.env), this.context.signal))
  }
}

export class AuthLogoutCommand extends KittiwakeCommand {
  static override paths = [['auth', 'logout']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Login',
    description: 'Forget the stored login',
    examples: [['Log out', 'kittiwake auth logout']],
  })

  // What withdraws is never held up.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { removeLogin } = await import('../../project/login/login.ts')
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const removed = removeLogin(stateDirectory(process.env))
    return { fields: { removed }, text: removed ? 'Logged out.' : 'There was no login.' }
  }
}
