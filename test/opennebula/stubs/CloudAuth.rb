# Every user is the administrator, and the client is the stub of oned's API.
class CloudAuth
  def initialize(*) = nil

  def auth(*) = 'oneadmin'

  def client(*) = FRONT_END
end
