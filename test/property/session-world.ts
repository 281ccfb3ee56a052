import { startWorld } from './world.ts';
import type { World } from './world.ts';

/**
 * A world in which sessions are revoked. The process compares the end of a revocation, which
 * PostgreSQL reckons, with its own clock, and only here the two differ: so it ends much later.
 */
export async function startSessionWorld(...options: Parameters<typeof startWorld>): Promise<World> {
  const world = await startWorld(...options);
  await world.app.sql(LENGTHEN);
  return world;
}

const LENGTHEN = `
  CREATE FUNCTION lengthen() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.expires_at := NEW.expires_at + interval '100 days';
    RETURN NEW;
  END $$;
  CREATE TRIGGER lengthen BEFORE INSERT ON revocations FOR EACH ROW EXECUTE FUNCTION lengthen()`;
