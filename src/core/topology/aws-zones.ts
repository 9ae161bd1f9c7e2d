// Availability Zones of AWS's commercial regions, as data. Never asks AWS: a zone that opens later is added here or in a file.

/**
 * Zone letters by region, from the AWS documentation "Regions and Availability Zones"
 * (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html), with all
 * regions up to ap-southeast-6 (September 2025).
 * The oldest regions map letters to places differently for each account and show an account only some of them, so every
 * letter that an account may see is listed: us-west-1 and ap-northeast-1 show fewer zones than letters.
 */
const LETTERS: Readonly<Record<string, string>> = {
  "af-south-1": "abc",
  "ap-east-1": "abc",
  "ap-east-2": "abc",
  "ap-northeast-1": "abcd",
  "ap-northeast-2": "abcd",
  "ap-northeast-3": "abc",
  "ap-south-1": "abc",
  "ap-south-2": "abc",
  "ap-southeast-1": "abc",
  "ap-southeast-2": "abc",
  "ap-southeast-3": "abc",
  "ap-southeast-4": "abc",
  "ap-southeast-5": "abc",
  "ap-southeast-6": "abc",
  "ap-southeast-7": "abc",
  "ca-central-1": "abcd",
  "ca-west-1": "abc",
  "eu-central-1": "abc",
  "eu-central-2": "abc",
  "eu-north-1": "abc",
  "eu-south-1": "abc",
  "eu-south-2": "abc",
  "eu-west-1": "abc",
  "eu-west-2": "abc",
  "eu-west-3": "abc",
  "il-central-1": "abc",
  "me-central-1": "abc",
  "me-south-1": "abc",
  "mx-central-1": "abc",
  "sa-east-1": "abc",
  "us-east-1": "abcdef",
  "us-east-2": "abc",
  "us-west-1": "abc",
  "us-west-2": "abcd",
};

/** Zone names by region: `us-east-1` has `us-east-1a`, … */
export const awsZones: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(LETTERS).map(([region, letters]) => [region, [...letters].map((each) => region + each)]),
);
